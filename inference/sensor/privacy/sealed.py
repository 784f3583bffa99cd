"""Sealing bytes for a public key, in the format of age (age-encryption.org/v1, C2SP age), with X25519 recipients.

Whoever seals cannot open: the key of a file exists in memory while it is sealed, and on disk only wrapped for the
recipients. The standard tools ``age`` and ``rage`` open what :func:`seal` makes, and :func:`unseal` what they make for
such keys. Passphrases, plugins and the ASCII armour are not read. Needs the extra ``sensor``.
"""

import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from tocsin import TocsinError
from tocsin.inference.sensor.privacy.age_header import (
    NONCE_BYTES,
    CannotUnseal,
    Stanza,
    bytes_of,
    read_header,
    text_of,
    write_header,
    write_stanzas,
)
from tocsin.inference.sensor.privacy.keys import KEY_BYTES, public_bytes, secret_bytes, x25519

_FILE_KEY_BYTES, _TAG_BYTES = 16, 16
_CHUNK_BYTES = 1 << 16
_WRAPPING = b"age-encryption.org/v1/X25519"
_ONCE = bytes(12)  # the nonce of a key that is used once


def seal(content: bytes, recipients: Sequence[str]) -> bytes:
    """``content`` sealed for each of the public keys ``age1…``: any one of their secret keys opens it.

    Raises:
        TocsinError: no recipient; a text that is no public key; ``cryptography`` is not installed.
    """
    if not recipients:
        raise TocsinError("nothing can be sealed for nobody: give a public key, age1…, of `tocsin log keygen`")
    file_key, nonce = secrets.token_bytes(_FILE_KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
    signed = write_stanzas([_wrap(file_key, public_bytes(recipient)) for recipient in recipients])
    sealed = [write_header(signed, _mac(file_key, signed)), nonce]
    cipher = _cipher(_derived(file_key, nonce, b"payload"))
    starts = range(0, max(len(content), 1), _CHUNK_BYTES)
    for count, start in enumerate(starts):
        chunk = content[start : start + _CHUNK_BYTES]
        sealed.append(cipher.encrypt(_chunk_nonce(count, count == len(starts) - 1), chunk, None))
    return b"".join(sealed)


def unseal(sealed: bytes, identities: Sequence[str]) -> bytes:
    """The content of a sealed file, with the first of the secret keys ``AGE-SECRET-KEY-1…`` that opens it.

    All of it is checked before any of it is given out.

    Raises:
        CannotUnseal: it is no such file, it is damaged, or it was sealed for others.
        TocsinError: a text that is no secret key; ``cryptography`` is not installed.
    """
    keys = [secret_bytes(identity) for identity in identities]
    header, payload = read_header(sealed)
    found = (file_key for stanza in header.stanzas for key in keys if (file_key := _unwrap(stanza, key)))
    file_key = next(found, None)
    if file_key is None:
        raise CannotUnseal("key", "it was sealed for another key: give the secret key of one that it was sealed for")
    if not hmac.compare_digest(header.mac, _mac(file_key, header.signed)):
        raise CannotUnseal("mac", "its header was changed after it was sealed")
    return _open_payload(payload[NONCE_BYTES:], _derived(file_key, payload[:NONCE_BYTES], b"payload"))


def _open_payload(chunks: bytes, key: bytes) -> bytes:
    """The content of its pieces of 64 KiB, the STREAM of age: each knows its number, and the last that it is."""
    from cryptography.exceptions import InvalidTag

    cipher, size = _cipher(key), _CHUNK_BYTES + _TAG_BYTES
    opened: list[bytes] = []
    starts = range(0, max(len(chunks), 1), size)
    for count, start in enumerate(starts):
        last = count == len(starts) - 1
        try:
            opened.append(cipher.decrypt(_chunk_nonce(count, last), chunks[start : start + size], None))
        except InvalidTag:
            raise CannotUnseal("payload", "its content was cut or changed after it was sealed") from None
        if last and count and not opened[-1]:
            raise CannotUnseal("payload", "its content ends in an empty piece, which no tool writes")
    return b"".join(opened)


def _wrap(file_key: bytes, recipient: bytes) -> Stanza:
    one_time = x25519().X25519PrivateKey.generate()
    share = one_time.public_key().public_bytes_raw()
    try:
        shared = one_time.exchange(x25519().X25519PublicKey.from_public_bytes(recipient))
    except ValueError:  # a point of low order, with which everybody shares the same secret
        raise TocsinError("a public key is one that everybody could open: make one with `tocsin log keygen`") from None
    cipher = _cipher(_derived(shared, share + recipient, _WRAPPING))
    return Stanza(["X25519", text_of(share)], cipher.encrypt(_ONCE, file_key, None))


def _unwrap(stanza: Stanza, identity: bytes) -> bytes | None:
    """The file key, where this part of a header was made for this secret key."""
    if stanza.words[0] != "X25519":
        return None
    from cryptography.exceptions import InvalidTag

    share = bytes_of(stanza.words[1]) if len(stanza.words) == 2 else b""
    if len(share) != KEY_BYTES or len(stanza.body) != _FILE_KEY_BYTES + _TAG_BYTES:
        raise CannotUnseal("header", "its header has an X25519 part that is none")
    ours = x25519().X25519PrivateKey.from_private_bytes(identity)
    try:
        shared = ours.exchange(x25519().X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise CannotUnseal("header", "its header has a share with which everybody shares the same secret") from None
    key = _derived(shared, share + ours.public_key().public_bytes_raw(), _WRAPPING)
    try:
        return bytes(_cipher(key).decrypt(_ONCE, stanza.body, None))
    except InvalidTag:
        return None


def _chunk_nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([last])


def _mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), signed, "sha256")


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes by HKDF with SHA-256, RFC 5869, of whose output the first block is enough."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), purpose + b"\x01", "sha256")


def _cipher(key: bytes) -> Any:
    """ChaCha20-Poly1305, RFC 8439. That it is installed was seen when the keys were used."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)
