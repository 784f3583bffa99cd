"""WAV files with every kind of wrong length, against the samples that were written."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.containers import riff

UNKNOWN = 0xFFFFFFFF


def chunk(name: bytes, size: int) -> bytes:
    """A chunk whose content would be loud if it were heard."""
    return name + size.to_bytes(4, "little") + b"\x7f" * (size + size % 2)


NOTES = chunk(b"LIST", 500) + chunk(b"id3 ", 3) + chunk(b"bext", 602)


@pytest.fixture
def wav(noise, encoded):
    return encoded(noise, "WAV")


@pytest.fixture
def written(wav):
    return np.frombuffer(wav[44:], "<i2") / np.float32(32768)


def sized(wav: bytes, riff_size: int, data_size: int) -> bytes:
    return wav[:4] + riff_size.to_bytes(4, "little") + wav[8:40] + data_size.to_bytes(4, "little") + wav[44:]


@pytest.mark.parametrize("behind", [b"", NOTES, chunk(b"cue ", 1)], ids=["nothing", "notes", "odd chunk"])
@pytest.mark.parametrize("data_size", [0, 100, 63001, 0x7FFFFFFF, 0x7FFFF000, UNKNOWN - 36, UNKNOWN])
@pytest.mark.parametrize("riff_size", [0, 36, UNKNOWN])
def test_a_wrong_size_of_the_data_costs_and_adds_no_sample(wav, written, heard, riff_size, data_size, behind):
    assert np.array_equal(heard(sized(wav, riff_size, data_size) + behind, "wav"), written)


@pytest.mark.parametrize(
    "behind",
    [
        NOTES,
        NOTES[:300],
        bytes(5000),
        b"TAG" + b"\x7f" * 125,
        b"ID3\x04\x00\x00\x00\x00\x02\x00" + b"\x7f" * 256,
        b"\x7f\x7f\x7f",
    ],
    ids=["notes", "notes cut off", "space set aside", "ID3v1", "ID3v2", "stray bytes"],
)
def test_what_stands_behind_a_right_size_is_not_heard(wav, written, heard, behind):
    assert np.array_equal(heard(wav + behind, "wav"), written)


def test_a_recorder_that_stopped_before_the_header_was_brought_up_to_date_is_heard_to_its_end(wav, written, heard):
    assert np.array_equal(heard(sized(wav, 20036, 20000), "wav"), written)


@pytest.mark.parametrize("padded", [True, False])
def test_a_size_that_is_odd_is_believed_with_its_pad_byte_and_without(noise, encoded, heard, padded):
    wav = encoded(noise[:31999], "WAV", "PCM_U8")
    eight = np.frombuffer(wav[44:][:31999], np.uint8)
    data = wav[:44] + eight.tobytes() + b"\x00" * padded
    assert np.array_equal(heard(data + NOTES, "wav"), (eight.astype(np.float32) - 128) / 128)


def test_a_file_that_ends_within_a_sample_is_read_up_to_it(wav, written, heard):
    assert np.array_equal(heard(wav[:-1001], "wav"), written[:-501])
    assert np.array_equal(heard(sized(wav, 36, 0)[:-1001], "wav"), written[:-501])


@pytest.mark.parametrize("behind", [b"", chunk(b"LIST", 40)])
def test_an_empty_file_stays_empty(wav, tmp_path, behind):
    path = tmp_path / "empty.wav"
    path.write_bytes(sized(wav, 36, 0)[:44] + behind)
    with pytest.raises(TocsinError, match="holds no samples: expected an audio file of some length"):
        read_audio(path)


@pytest.mark.parametrize(
    ("form", "subtype", "options"),
    [
        ("WAV", "PCM_24", {}),
        ("WAV", "FLOAT", {}),
        ("WAV", "ULAW", {}),
        ("WAV", "MS_ADPCM", {}),
        ("WAV", "IMA_ADPCM", {}),
        ("WAV", "PCM_16", {"endian": "BIG"}),
        ("WAVEX", "PCM_24", {}),
    ],
)
@pytest.mark.parametrize("size", [0, UNKNOWN])
def test_every_coding_is_read_without_its_size_as_with_it(noise, encoded, heard, form, subtype, options, size):
    wav = encoded(noise, form, subtype, **options)
    place = wav.index(b"data") + 4
    expected = heard(wav, "wav")
    order = "big" if wav[:4] == b"RIFX" else "little"
    assert np.array_equal(heard(wav[:place] + size.to_bytes(4, order) + wav[place + 4 :], "wav"), expected)


@pytest.mark.parametrize("size", [0, 2**64 - 1])
def test_rf64_is_read_without_its_size_as_with_it(noise, encoded, heard, size):
    data = encoded(noise, "RF64")
    place = data.index(b"ds64") + 16
    expected = heard(data + NOTES, "rf64")
    assert len(expected) == len(noise)
    assert np.array_equal(
        heard(data[:place] + size.to_bytes(8, "little") + data[place + 8 :] + NOTES, "rf64"), expected
    )


@pytest.mark.parametrize("size", [64000, 0, UNKNOWN])
def test_files_that_were_joined_are_read_one_by_one(wav, written, heard, size):
    joined = sized(wav, 36, size) + NOTES + wav + NOTES
    assert np.array_equal(heard(joined, "wav"), np.concatenate([written, written]))


def test_joined_files_that_differ_are_refused(wav, noise, encoded, tmp_path):
    path = tmp_path / "joined.wav"
    path.write_bytes(wav + encoded(noise, "WAV", sample_rate=8000))
    with pytest.raises(
        TocsinError, match=r"joined, of 16000 Hz with 1 channels and of 8000 Hz with 1: give each a file"
    ):
        read_audio(path)


def test_what_is_too_long_for_the_sizes_of_wav_is_read_as_rf64(wav, written, heard, monkeypatch):
    monkeypatch.setattr(riff, "_MOST_OF_RIFF", 1000)
    assert np.array_equal(heard(sized(wav, 36, 0) + NOTES, "wav"), written)


@pytest.mark.parametrize(
    "behind",
    [
        b"APETAGEX" + (2000).to_bytes(4, "little") + bytes(20) + b"Title hello",
        b"LYRICSBEGININD0000200000015LYRICS200" + b"TAG" + bytes(125),
        b"cart" + (500).to_bytes(4, "little") + b"\x7f" * 300,
    ],
)
def test_tags_and_cut_off_notes_behind_a_right_size_are_not_heard(tmp_path, behind):
    path = tmp_path / "tagged.wav"
    samples = np.random.default_rng(0).integers(-30, 30, 48000, np.int16)
    soundfile.write(path, samples, 16000)
    path.write_bytes(path.read_bytes() + behind)
    np.testing.assert_array_equal(read_audio(path).samples, samples / np.float32(32768))
