"""FLAC files that do not say how long they are, against the same files that do."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.containers.flac import _remainder


def unknown(flac: bytes) -> bytes:
    """The same with a total of 0 samples, as an encoder leaves it that writes into a pipe."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("seconds", [0.1, 2.0, 34.0])
def test_an_unknown_length_is_that_of_the_frames(rng, encoded, heard, subtype, seconds):
    # From 33 s on the frames have numbers of two bytes.
    flac = encoded(0.2 * rng.standard_normal((round(16000 * seconds), 1)), "FLAC", subtype)
    assert np.array_equal(heard(unknown(flac), "flac"), heard(flac, "flac"))


def test_several_channels_and_a_mark_behind_do_not_matter(rng, encoded, heard):
    flac = encoded(0.2 * rng.standard_normal((50000, 3)), "FLAC")
    assert np.array_equal(heard(unknown(flac) + b"TAG" + bytes(125), "flac"), heard(flac, "flac"))


@pytest.mark.parametrize("lost", [1, 2000, 9001])
def test_of_a_recorder_that_was_switched_off_every_whole_frame_is_heard(noise, encoded, heard, lost):
    flac = encoded(noise, "FLAC")
    whole = heard(flac, "flac")
    cut = heard(unknown(flac)[:-lost], "flac")
    assert len(cut) % 4096 == 0
    assert len(whole) - len(cut) < 4096 * (2 + lost / 7000)
    assert np.array_equal(cut, whole[: len(cut)])


def test_files_that_were_joined_are_read_one_by_one(noise, encoded, heard):
    flac = encoded(noise, "FLAC")
    whole = heard(flac, "flac")
    assert np.array_equal(heard(flac + unknown(flac) + flac, "flac"), np.tile(whole, 3))


def test_a_stream_without_a_whole_frame_is_refused(noise, encoded, tmp_path):
    path = tmp_path / "short.flac"
    flac = unknown(encoded(noise, "FLAC"))
    path.write_bytes(flac[:3000])
    with pytest.raises(TocsinError, match="does not say how long it is, and holds no whole frame"):
        read_audio(path)


def test_check_sums_are_those_of_the_catalogue():
    # CRC-8/SMBUS and CRC-16/UMTS of "123456789".
    assert _remainder(b"123456789", 0x07, 8) == 0xF4
    assert _remainder(b"123456789", 0x8005, 16) == 0xFEE8


def test_frames_of_any_size_are_counted(tmp_path, rng, encoded, heard):
    # Other encoders choose other sizes: 192, 576 and its doubles, 256 and its doubles, or one that is written out.
    for level in (0.0, 1.0):
        path = tmp_path / "level.flac"
        samples = 0.2 * rng.standard_normal(30000)
        soundfile.write(path, samples, 16000, compression_level=level)
        flac = path.read_bytes()
        assert np.array_equal(heard(unknown(flac), "flac"), heard(flac, "flac"))
