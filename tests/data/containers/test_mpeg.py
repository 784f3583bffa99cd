"""MP3 files whose first frame does not say how many follow, or says it wrongly, against the file as it was encoded."""

import numpy as np
import pytest
import scipy.signal

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.containers.mpeg import _frame_length

# Of the encoder and the decoder together: a file that tells it is read from there on.
DELAY = 576 + 529
TAG = b"ID3\x04\x00\x00\x00\x00\x02\x00" + b"\xff\xf3\x88\xc4" * 64  # with what looks like frames inside


@pytest.fixture
def mp3(encoded):
    """A function that encodes samples, by default so that the bit rate varies much."""

    def encode(samples, sample_rate=24000, mode="VARIABLE", level=0.5):
        return encoded(samples, "MP3", "MPEG_LAYER_III", sample_rate, bitrate_mode=mode, compression_level=level)

    return encode


@pytest.fixture
def quiet_then_loud(rng):
    return np.concatenate([1e-4 * rng.standard_normal(72000), 0.3 * rng.standard_normal(72000)])


def alike(samples, expected) -> bool:
    """Whether they are the same but for how the decoder rounds."""
    return len(samples) == len(expected) and np.abs(samples - expected).max() < 2e-6


def bare(mp3: bytes) -> bytes:
    """The same without the frame that says how many follow."""
    return mp3[_frame_length(mp3) :]


@pytest.fixture
def hear(heard):
    return lambda data: heard(data, "mp3")


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
@pytest.mark.parametrize("sample_rate", [8000, 24000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_that_does_not_tell_its_length_is_heard_to_the_end(
    quiet_then_loud, mp3, hear, mode, sample_rate, channels
):
    data = mp3(np.stack([quiet_then_loud] * channels, axis=1), sample_rate, mode)
    whole, count = hear(data), len(quiet_then_loud)
    untold = hear(bare(data))
    assert len(untold) >= count + DELAY
    assert alike(untold[DELAY : DELAY + count], whole)
    assert np.abs(untold[: DELAY + 72000 - 2000]).max() < 0.01


def test_tags_before_and_behind_are_no_sound(quiet_then_loud, mp3, hear):
    data = bare(mp3(quiet_then_loud))
    assert alike(hear(TAG + data + b"TAG" + b"\xff" * 125), hear(data))


def test_joined_files_are_read_one_by_one(quiet_then_loud, mp3, hear, capfd):
    data = mp3(quiet_then_loud)
    whole, untold = hear(data), hear(bare(data))
    assert alike(hear(data + data), np.tile(whole, 2))
    assert alike(hear(TAG + data + TAG + data + TAG), np.tile(whole, 2))
    assert alike(hear(data + bare(data)), np.concatenate([whole, untold]))
    assert alike(hear(bare(data) + data), np.concatenate([untold, whole]))
    # The decoder warns of lengths that do not fit; now they do.
    assert "Xing" not in capfd.readouterr().err


@pytest.mark.parametrize("kept", [0.4, 0.7, 0.95])
def test_a_file_that_was_cut_off_is_as_long_as_what_is_left(rng, mp3, hear, kept, capfd):
    samples = 0.2 * rng.standard_normal(96000)
    data = mp3(samples, mode="CONSTANT")
    whole = hear(data)
    cut = data[: round(kept * len(data))]
    left = hear(cut)
    assert len(left) == pytest.approx(kept * len(whole), abs=2500)
    assert alike(left, whole[: len(left)])
    # So it is when another follows, which begins within the frame that was cut.
    assert alike(hear(cut + data), np.concatenate([left, whole]))
    assert "Xing" not in capfd.readouterr().err


@pytest.mark.parametrize("first", [0, 7000])
def test_damage_costs_no_more_than_the_frames_that_it_hit(rng, mp3, hear, first):
    data = mp3(0.2 * rng.standard_normal(96000), mode="CONSTANT")
    whole = hear(data)
    left = hear(data[:first] + b"\xff" * 700 + data[first + 700 :])
    # What follows is heard as it was, only earlier: sought by its correlation with the whole.
    piece = left[-45000:-5000]
    place = int(np.argmax(scipy.signal.correlate(whole, piece, "valid", "fft")))
    assert alike(piece, whole[place : place + len(piece)])
    assert len(left) > len(whole) - 6 * 576


def test_a_count_of_none_is_not_believed(quiet_then_loud, mp3, hear):
    data = mp3(quiet_then_loud)
    place = data.index(b"Xing") + 8
    assert alike(hear(data[:place] + bytes(4) + data[place + 4 :]), hear(bare(data)))


def test_joined_files_that_differ_are_refused(quiet_then_loud, mp3, tmp_path):
    path = tmp_path / "joined.mp3"
    path.write_bytes(mp3(quiet_then_loud) + mp3(quiet_then_loud, 22050))
    with pytest.raises(TocsinError, match=r"is several files joined, of 24000 Hz .* and of 22050 Hz"):
        read_audio(path)
