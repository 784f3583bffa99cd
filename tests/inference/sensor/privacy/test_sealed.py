"""Sealing against published vectors, against keys that age's documentation shows, and against torn and changed files.

``age_vectors.json`` holds test vectors of age, of the C2SP "community cryptography test vectors", by their authors
under CC0: those without passphrase, armour and post-quantum keys, and below 2 kB.
"""

import base64
import hashlib
import json
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor.privacy import bech32
from tocsin.inference.sensor.privacy.age_header import CannotUnseal, read_header, write_header, write_stanzas
from tocsin.inference.sensor.privacy.keys import make_identity, recipient_of
from tocsin.inference.sensor.privacy.sealed import seal, unseal

VECTORS = json.loads((Path(__file__).parent / "age_vectors.json").read_text())
PARTS = {"header failure": "header", "no match": "key", "HMAC failure": "mac", "payload failure": "payload"}
# 32 times the byte 0x42, and its public key.
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
CHUNK = 1 << 16


def sealed_file(vector):
    file = base64.b64decode(vector["file"])
    return zlib.decompress(file) if vector["compressed"] else file


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vectors_open_or_fail_where_they_say(vector):
    if vector["expect"] == "success":
        content = unseal(sealed_file(vector), vector["identities"])
        assert hashlib.sha256(content).hexdigest() == vector["payload"]
    else:
        with pytest.raises(CannotUnseal) as caught:
            unseal(sealed_file(vector), vector["identities"])
        assert caught.value.part == PARTS[vector["expect"]]


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["expect"] != "header failure"], ids=lambda vector: vector["name"]
)
def test_a_published_header_is_written_as_it_was_read(vector):
    file = sealed_file(vector)
    header, payload = read_header(file)
    assert write_header(write_stanzas(header.stanzas), header.mac) + payload == file


def test_vectors_are_of_every_kind():
    assert {vector["expect"] for vector in VECTORS} == {"success", *PARTS}
    assert len(VECTORS) == len({vector["name"] for vector in VECTORS}) == 64


def test_the_public_key_of_the_documented_secret_key():
    assert recipient_of(IDENTITY) == RECIPIENT


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])
def test_what_is_sealed_opens_with_each_of_its_keys_and_no_other(size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    identities = [make_identity() for _ in range(3)]
    sealed = seal(content, [recipient_of(identity) for identity in identities[:2]])
    assert unseal(sealed, identities[:1]) == unseal(sealed, identities[1:]) == content
    with pytest.raises(CannotUnseal, match="sealed for another key"):
        unseal(sealed, identities[2:])
    if size > 16:
        assert content[:16] not in sealed


def test_a_change_of_any_byte_is_seen_and_so_is_every_cut():
    content = b"bang" * 20
    sealed = seal(content, [RECIPIENT])
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotUnseal):
            unseal(bytes(changed), [IDENTITY])
        with pytest.raises(CannotUnseal):
            unseal(sealed[:place], [IDENTITY])


def test_the_same_content_is_never_sealed_twice_alike():
    assert seal(b"bang", [RECIPIENT]) != seal(b"bang", [RECIPIENT])


@pytest.mark.parametrize(
    ("recipients", "said"),
    [
        ([], "for nobody"),
        ([IDENTITY], "expected a public key"),
        ([RECIPIENT[:-1] + "q"], "slip"),
        (["age1"], "cut"),
        # The point of order 1: whatever is wrapped for it, everybody can unwrap.
        ([bech32.encode("age", bytes(32))], "everybody could open"),
        ([bech32.encode("age", bytes(31))], "expected a public key"),
    ],
)
def test_what_is_no_public_key_is_refused_in_a_sentence(recipients, said):
    with pytest.raises(TocsinError, match=said) as caught:
        seal(b"bang", recipients)
    assert "GFPYYS" not in str(caught.value)  # a secret key in the wrong place is not repeated


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 300))
def test_whatever_comes_is_opened_or_refused_in_a_sentence(noise, place):
    sealed = seal(b"bang", [RECIPIENT])
    for file in (noise, sealed[:place] + noise, sealed[:place] + noise + sealed[place:]):
        with suppress(CannotUnseal):
            assert unseal(file, [IDENTITY]) == b"bang"
