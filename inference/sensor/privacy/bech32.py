"""Bech32 (BIP 173): bytes as letters that a slip of the pen breaks visibly; the keys of age are written in it.

A text is a name in front (its human-readable part), the last ``1``, and five bits a letter, of which the last six are a
checksum. age lifts the limit of 90 letters, and so does this.
"""

from collections.abc import Iterable

from tocsin import TocsinError

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LETTERS = 6


def encode(name: str, data: bytes) -> str:
    """``data`` as Bech32 behind ``name``, in small letters. Raises ``TocsinError`` where the name is not of ASCII."""
    name = name.lower()
    if not name or not all("!" <= letter <= "~" for letter in name):
        raise TocsinError(f"a Bech32 text cannot begin with {name!r}: expected visible ASCII letters")
    values = _regrouped(data, 8, 5)
    remainder = _remainder([*_spread(name), *values, *[0] * _CHECKSUM_LETTERS]) ^ 1
    checksum = [(remainder >> 5 * place) & 31 for place in reversed(range(_CHECKSUM_LETTERS))]
    return name + "1" + "".join(_LETTERS[value] for value in [*values, *checksum])


def decode(text: str) -> tuple[str, bytes]:
    """The name in front, in small letters, and the bytes.

    Raises:
        TocsinError: a letter that Bech32 lacks, capital and small letters mixed, a checksum that does not fit, or bits
            left over. The sentence never repeats the text, which may be a secret key.
    """
    if text != text.lower() and text != text.upper():
        raise TocsinError("a key has small and capital letters mixed: copy it anew")
    name, one, rest = text.lower().rpartition("1")
    if not one or not name or len(rest) < _CHECKSUM_LETTERS:
        raise TocsinError("a key is cut or is none: expected a name, a 1, and at least six letters")
    if not all("!" <= letter <= "~" for letter in name) or not set(rest) <= set(_LETTERS):
        raise TocsinError("a key has a letter that keys do not have: copy it anew")
    values = [_LETTERS.index(letter) for letter in rest]
    if _remainder([*_spread(name), *values]) != 1:
        raise TocsinError("a key has a slip in it, its checksum does not fit: copy it anew")
    return name, bytes(_regrouped(values[:-_CHECKSUM_LETTERS], 5, 8))


def _spread(name: str) -> list[int]:
    codes = name.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _remainder(values: Iterable[int]) -> int:
    """The remainder of the checksum's polynomial over GF(32), BIP 173, "Checksum"."""
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= term
    return remainder


def _regrouped(values: Iterable[int], from_bits: int, to_bits: int) -> list[int]:
    """Numbers of ``from_bits`` bits as numbers of ``to_bits``; zeros fill up the last, and only so few may be left."""
    held, bits, regrouped = 0, 0, []
    for value in values:
        held, bits = held << from_bits | value, bits + from_bits
        while bits >= to_bits:
            bits -= to_bits
            regrouped.append(held >> bits & (1 << to_bits) - 1)
            held &= (1 << bits) - 1
    if to_bits < from_bits and bits:
        regrouped.append(held << to_bits - bits)
    elif to_bits > from_bits and (bits >= from_bits or held):
        raise TocsinError("a key has bits left over: copy it anew")
    return regrouped
