"""Keys as age writes them: the secret ``AGE-SECRET-KEY-1…`` and its public ``age1…``, X25519 keys in Bech32."""

import secrets
from types import ModuleType

from tocsin import TocsinError
from tocsin.inference.sensor.privacy import bech32

KEY_BYTES = 32
_SECRET, _PUBLIC = "age-secret-key-", "age"


def make_identity() -> str:
    """A new secret key, ``AGE-SECRET-KEY-1…``, from the system's source of randomness."""
    return bech32.encode(_SECRET, secrets.token_bytes(KEY_BYTES)).upper()


def recipient_of(identity: str) -> str:
    """The public key, ``age1…``, of a secret key.

    Raises:
        TocsinError: a text that is no secret key; ``cryptography`` is not installed.
    """
    key = x25519().X25519PrivateKey.from_private_bytes(secret_bytes(identity))
    return bech32.encode(_PUBLIC, key.public_key().public_bytes_raw())


def secret_bytes(identity: str) -> bytes:
    """The 32 bytes of a secret key. Raises ``TocsinError`` where it is none, without repeating it."""
    return _key_bytes(identity, _SECRET, "secret key, AGE-SECRET-KEY-1…")


def public_bytes(recipient: str) -> bytes:
    """The 32 bytes of a public key. Raises ``TocsinError`` where it is none, without repeating what may be a secret."""
    return _key_bytes(recipient, _PUBLIC, "public key, age1…")


def _key_bytes(text: str, name: str, expected: str) -> bytes:
    found, key = bech32.decode(text.strip())
    if found != name or len(key) != KEY_BYTES:
        raise TocsinError(f"a key of another kind: expected a {expected}, of `tocsin log keygen` or age-keygen")
    return key


def x25519() -> ModuleType:
    """The module of ``cryptography`` with this name. Raises ``TocsinError`` where it is not installed."""
    try:
        from cryptography.hazmat.primitives.asymmetric import x25519
    except ModuleNotFoundError as error:
        raise TocsinError('sealed files need cryptography: type pip install "tocsin[sensor]"') from error
    return x25519
