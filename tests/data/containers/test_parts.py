"""Chained, joined and unfinished files of the rarer formats, against the same sound in a file as it should be."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio

FORMATS = {"ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"), "w64": ("W64", "PCM_16"),
           "caf": ("CAF", "PCM_16"), "au": ("AU", "PCM_16")}  # fmt: skip


@pytest.mark.parametrize("ending", FORMATS)
def test_files_that_were_joined_are_read_one_by_one(noise, encoded, heard, ending):
    data = encoded(noise, *FORMATS[ending])
    whole = heard(data, ending)
    assert len(whole) == len(noise)
    assert np.abs(heard(data * 3, ending) - np.tile(whole, 3)).max() < 1e-6


@pytest.mark.parametrize("size", [None, 24, 0, 2**64 - 1])
def test_what_stands_behind_the_sound_of_wave64_is_not_heard(noise, encoded, heard, size):
    data = encoded(noise, "W64")
    place = data.index(b"data") + 16
    note = b"bext" + data[place - 12 : place] + (24 + 800).to_bytes(8, "little") + b"\x7f" * 800
    expected = heard(data, "w64")
    if size is None:
        assert np.array_equal(heard(data + note, "w64"), expected)
    else:
        assert np.array_equal(heard(data[:place] + size.to_bytes(8, "little") + data[place + 8 :], "w64"), expected)


@pytest.mark.parametrize("size", [0, 2**64 - 1])
def test_caf_is_read_without_its_size_as_with_it(noise, encoded, heard, size):
    data = encoded(noise, "CAF")
    place = data.index(b"data", 60) + 4
    assert np.array_equal(heard(data[:place] + size.to_bytes(8) + data[place + 8 :], "caf"), heard(data, "caf"))


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_au_is_read_without_its_size_as_with_it(noise, encoded, heard, size):
    data = encoded(noise, "AU")
    assert np.array_equal(heard(data[:8] + size.to_bytes(4) + data[12:], "au"), heard(data, "au"))


def test_an_unfinished_header_that_cannot_be_mended_is_said_to_be_one(rng, encoded, tmp_path):
    data = encoded(0.1 * rng.standard_normal(64000), "AIFF")
    form, sound = data.index(b"COMM") + 10, data.index(b"SSND") + 4
    path = tmp_path / "stopped.aif"
    path.write_bytes(
        data[:4] + bytes(4) + data[8:form] + bytes(4) + data[form + 4 : sound] + (8).to_bytes(4) + data[sound + 4 :]
    )
    with pytest.raises(TocsinError, match=r"no samples by its header, .* it has 128054 bytes: mend it, as `ffmpeg -i"):
        read_audio(path)


@pytest.mark.parametrize("ending", [*FORMATS, "wav", "rf64", "flac", "mp3"])
def test_damage_of_every_kind_gives_samples_or_a_sentence(rng, encoded, tmp_path, ending):
    formats = FORMATS | {"wav": ("WAV", "PCM_16"), "rf64": ("RF64", "PCM_16"), "flac": ("FLAC", "PCM_16"),
                         "mp3": ("MP3", "MPEG_LAYER_III")}  # fmt: skip
    whole = encoded(0.2 * rng.standard_normal(3000), *formats[ending])
    for number in range(60):
        data = bytearray(whole)
        for _ in range(3):
            place = int(rng.integers(min(len(data), 200) if rng.random() < 0.7 else len(data)))
            match rng.integers(5):
                case 0:
                    data[place] = rng.integers(256)
                case 1:
                    data[place : place + 4] = b"\xff" * 4
                case 2:
                    data[place : place + 8] = bytes(8)
                case 3:
                    del data[place + 1 :]
                case _:
                    data += whole[: int(rng.integers(1, len(whole)))]
        path = tmp_path / f"{number}.{ending}"
        path.write_bytes(data)
        try:
            audio = read_audio(path)
        except TocsinError:
            continue
        assert 0 < len(audio.samples) < len(data) * 100
        assert np.isfinite(audio.samples).all()


def test_of_many_files_that_were_joined_one_decoder_is_open_at_a_time(noise, encoded, heard, monkeypatch):
    opened: list[int] = []
    entered, closed = soundfile.SoundFile.__init__, soundfile.SoundFile.close
    monkeypatch.setattr(soundfile.SoundFile, "__init__", lambda *words: opened.append(1) or entered(*words))
    monkeypatch.setattr(soundfile.SoundFile, "close", lambda file: opened.append(-1) or closed(file))
    whole = heard(encoded(noise[:800], "WAV") * 50, "wav")
    assert len(whole) == 50 * 800
    assert max(np.cumsum(opened)) <= 2  # with the one of the writer
