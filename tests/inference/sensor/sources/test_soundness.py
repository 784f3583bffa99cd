"""Bounds on what headers state, and on samples: what is out of them costs neither memory nor a traceback."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tocsin import TocsinError
from tocsin.data.sound import GREATEST
from tocsin.inference.sensor.sources.files import Files
from tocsin.inference.sensor.sources.soundness import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MOST_CHANNELS,
    check_form,
    silenced,
)


@pytest.mark.parametrize("rate", [-1, 0, 1, LOWEST_RATE - 1, HIGHEST_RATE + 1, 2**31 - 1, 2**63])
def test_rates_of_no_recorder_are_refused(rate):
    with pytest.raises(TocsinError, match=rf"^roof has a rate of {rate} Hz: expected 2000 to 768000 Hz$"):
        check_form("roof", rate, 1)


@pytest.mark.parametrize("channels", [-1, 0, MOST_CHANNELS + 1, 10**9])
def test_channels_of_no_recorder_are_refused(channels):
    with pytest.raises(TocsinError, match=rf"^roof has {channels} channels: expected 1 to 64$"):
        check_form("roof", 48000, channels)


@pytest.mark.parametrize("rate", [2000, 8000, 48_000, 250_000, 384_000, 768_000])
def test_rates_and_channels_in_use_are_taken(rate):
    for channels in (1, 2, 64):
        check_form("roof", rate, channels)


def wav(rate, channels, bits=16, data=b"\0\0" * 4096, frame_bytes=None, data_bytes=None):
    """A WAV file with a header that states what it likes."""
    frame_bytes = channels * bits // 8 if frame_bytes is None else frame_bytes
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * frame_bytes & 0xFFFFFFFF, frame_bytes & 0xFFFF, bits)
    stated = len(data) if data_bytes is None else data_bytes
    return b"".join(
        (
            b"RIFF",
            struct.pack("<I", min(36 + stated, 0xFFFFFFFF)),
            b"WAVEfmt ",
            struct.pack("<I", len(form)),
            form,
            b"data",
            struct.pack("<I", stated),
            data,
        )
    )


@pytest.mark.parametrize(
    "body",
    [
        wav(0, 1),
        wav(1, 1),
        wav(0xFFFFFFFF, 1),
        wav(0x7FFFFFFF, 1),
        wav(8000, 0),
        wav(8000, 65),
        wav(8000, 1024),
        wav(8000, 0xFFFF),
        wav(8000, 1, bits=0),
        wav(8000, 1, bits=0xFFFF),
        wav(8000, 1, data=b"", data_bytes=0xFFFFFFF0),
        # AU: magic, place of the data, its length, coding, rate, channels, each of 32 bits: here 10^9 channels.
        struct.pack(">4s5I", b".snd", 24, 8192, 3, 8000, 10**9) + bytes(8192),
        struct.pack(">4s5I", b".snd", 24, 8192, 3, 0, 1) + bytes(8192),
    ],
    ids=range(13),
)
def test_hostile_headers_get_one_sentence(tmp_path, body):
    path = tmp_path / "20181219_004926.wav"
    path.write_bytes(body)
    with pytest.raises(TocsinError, match=r"20181219_004926\.wav ") as why:
        list(Files([path]).blocks())
    assert "\n" not in str(why.value)


def test_the_same_header_with_sound_values_is_heard(tmp_path):
    path = tmp_path / "20181219_004926.wav"
    path.write_bytes(wav(8000, 2))
    assert sum(len(block.samples) for block in Files([path]).blocks()) == 2048


@settings(max_examples=200, deadline=None)
@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 20), st.integers(1, 3)), elements=st.floats(width=32)))
def test_samples_that_are_no_sound_become_silence_and_are_counted_one_by_one(samples):
    expected, count = samples.copy(), 0
    for place, sample in np.ndenumerate(samples):
        if not abs(float(sample)) <= GREATEST:
            expected[place], count = 0.0, count + 1
    kept, unsound = silenced(samples)
    np.testing.assert_array_equal(kept, expected)
    assert (unsound, kept.dtype) == (count, np.float32)
