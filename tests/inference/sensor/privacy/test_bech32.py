"""Bech32 against the table of BIP 173, and against what a checksum must see."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor.privacy import bech32

# BIP 173, "Test vectors": valid; of those that are data, the bytes.
VALID = {
    "A12UEL5L": ("a", ""),
    "a12uel5l": ("a", ""),
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs": (
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
        "",
    ),
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw": ("abcdef", "00443214c74254b635cf84653a56d7c675be77df"),
    "11" + "q" * 82 + "c8247j": ("1", "00" * 51),
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w": (
        "split",
        "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d",
    ),
    "?1ezyfcl": ("?", ""),
}
# The same, invalid, less the one that is only too long for addresses.
INVALID = (
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "",
)


@pytest.mark.parametrize("text", VALID)
def test_the_valid_texts_of_the_published_table(text):
    name, data = VALID[text]
    assert bech32.decode(text) == (name, bytes.fromhex(data))
    if len(data) != 102:  # of those 51 bytes the table writes two bits more than bytes have
        assert bech32.encode(name, bytes.fromhex(data)) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_the_invalid_texts_of_the_published_table(text):
    with pytest.raises(TocsinError, match="a key"):
        bech32.decode(text)


@pytest.mark.parametrize(("values", "said"), [([0], "left over"), ([0, 1], "left over"), ([0, 4], None)])
def test_bits_left_over_are_refused(values, said):
    letters = bech32._LETTERS
    remainder = bech32._remainder([*bech32._spread("age"), *values, *[0] * 6]) ^ 1
    checksum = [remainder >> 5 * place & 31 for place in range(5, -1, -1)]
    text = "age1" + "".join(letters[value] for value in [*values, *checksum])
    if said is None:
        assert bech32.decode(text) == ("age", b"\x01")
        return
    with pytest.raises(TocsinError, match=said):
        bech32.decode(text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=48), st.data())
def test_a_slip_in_up_to_four_letters_is_seen(data, draw):
    text = bech32.encode("age", data)  # of up to 89 letters, for which the checksum promises this
    places = draw.draw(st.lists(st.integers(4, len(text) - 1), min_size=1, max_size=4, unique=True))
    letters = list(text)
    for place in places:
        letters[place] = draw.draw(st.sampled_from([x for x in bech32._LETTERS if x != letters[place]]))
    with pytest.raises(TocsinError):
        bech32.decode("".join(letters))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_a_key_of_its_bytes_or_refused_in_a_sentence(text):
    try:
        name, data = bech32.decode(text)
    except TocsinError:
        return
    assert bech32.encode(name, data) == text.lower()
