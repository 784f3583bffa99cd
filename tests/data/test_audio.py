"""Reading of audio: each trouble a file may have, and resampling against the closed form of a sine."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import AUDIO_ENDINGS, find_audio, read_audio, read_blocks


def sine(frequency_hz: float, sample_rate: int, duration_s: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * sample_rate)) / sample_rate)


@pytest.mark.parametrize(("ending", "tolerance"), [("wav", 4e-5), ("flac", 4e-5), ("ogg", 0.02), ("mp3", 0.02)])
def test_each_format_gives_back_the_sine_that_was_written(tmp_path, ending, tolerance):
    path = tmp_path / f"tone.{ending}"
    soundfile.write(path, sine(440, 22050, 2), 22050)
    audio = read_audio(path)
    assert audio.sample_rate == 22050
    assert audio.samples.dtype == np.float32
    assert audio.duration_s == pytest.approx(2, abs=1e-9)
    assert np.abs(audio.samples - sine(440, 22050, 2))[2000:-2000].max() < tolerance


@pytest.mark.parametrize("file_rate", [8000, 11025, 12000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("sample_rate", [12000, 16000])
def test_resampled_sine_equals_the_closed_form_at_the_new_rate(tmp_path, file_rate, sample_rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, sine(1000, file_rate, 1), file_rate, subtype="FLOAT")
    audio = read_audio(path, sample_rate)
    assert audio.sample_rate == sample_rate
    assert len(audio.samples) == sample_rate
    inner = slice(sample_rate // 20, -sample_rate // 20)
    assert np.abs(audio.samples - sine(1000, sample_rate, 1))[inner].max() < 1e-4


def test_resampling_removes_what_lies_above_the_new_band(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, sine(9000, 48000, 1), 48000, subtype="FLOAT")
    inner = read_audio(path, 12000).samples[600:-600]
    assert np.abs(inner).max() < 1e-5


@pytest.mark.parametrize(("file_rate", "sample_rate"), [(48000, 16000), (44100, 16000), (11025, 16000), (12000, 16000)])
def test_part_of_a_file_is_resampled_as_the_whole_is(tmp_path, rng, file_rate, sample_rate):
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(4 * file_rate), file_rate, subtype="FLOAT")
    whole = read_audio(path, sample_rate).samples
    part = read_audio(path, sample_rate, start_s=1.0, duration_s=1.5).samples
    assert len(part) == 1.5 * sample_rate
    assert np.abs(part - whole[sample_rate : sample_rate + len(part)]).max() < 1e-5


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_part_of_a_file_equals_that_part_of_the_whole(tmp_path, rng, ending):
    path = tmp_path / f"noise.{ending}"
    soundfile.write(path, 0.1 * rng.standard_normal(96000), 32000)
    whole = read_audio(path).samples
    # A decoder of MP3 that starts in the middle differs from itself by rounding.
    assert read_audio(path, start_s=1.25, duration_s=0.5).samples == pytest.approx(whole[40000:56000], abs=1e-6)
    assert read_audio(path, start_s=2.75, duration_s=9).samples == pytest.approx(whole[88000:], abs=1e-6)


@pytest.mark.parametrize("sample_rate", [None, 16000, 48000])
@pytest.mark.parametrize("block_s", [0.01, 0.37, 100.0])
def test_blocks_joined_equal_the_whole_file(tmp_path, rng, sample_rate, block_s):
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * rng.standard_normal((44100 * 2, 2)), 44100)
    blocks = list(read_blocks(path, block_s, sample_rate))
    whole = read_audio(path, sample_rate)
    assert {block.sample_rate for block in blocks} == {whole.sample_rate}
    assert max(block.duration_s for block in blocks) < block_s + 0.1
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), whole.samples)


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "three.wav"
    soundfile.write(path, np.tile([0.5, 0.25, -0.375], (100, 1)), 8000, subtype="FLOAT")
    assert read_audio(path).samples == pytest.approx(np.full(100, 0.125))


def test_eight_bit_wav_is_read_to_its_resolution(tmp_path):
    path = tmp_path / "old.wav"
    soundfile.write(path, sine(440, 8000, 1), 8000, subtype="PCM_U8")
    assert np.abs(read_audio(path).samples - sine(440, 8000, 1)).max() <= 1 / 128


def test_one_sample_is_enough(tmp_path):
    path = tmp_path / "one.wav"
    soundfile.write(path, [0.25], 8000)
    assert read_audio(path).samples.tolist() == [0.25]
    with pytest.raises(TocsinError, match=r"one\.wav: 1 samples at 8000 Hz are too few to resample to 1000 Hz"):
        read_audio(path, 1000)


def broken_file(tmp_path, kind: str):
    """A path with the named trouble."""
    path = tmp_path / {"unsupported": "song.m4a", "headerless": "samples.raw"}.get(kind, "bad.wav")
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), 8000)
    elif kind in ("nan", "inf"):
        samples = np.zeros(8000)
        samples[2000] = float(kind)
        soundfile.write(path, samples, 8000, subtype="FLOAT")
    elif kind == "cut flac":
        whole = tmp_path / "whole.flac"
        soundfile.write(whole, np.random.default_rng(0).uniform(-1, 1, 40000), 8000)
        path = tmp_path / "bad.flac"
        path.write_bytes(whole.read_bytes()[:30000])
    elif kind != "missing":
        path.write_bytes(b"this is no audio at all" * 9)
    return path


TROUBLES = {
    "missing": "does not exist",
    "folder": "is a folder",
    "empty": r"is empty \(0 bytes\)",
    "no samples": "holds no samples",
    "nan": r"NaN or infinite at 0\.250000 s",
    "inf": r"NaN or infinite at 0\.250000 s",
    "broken": "broken or of another format",
    "cut flac": "broken or of another format|cut off",
    "unsupported": "ffmpeg -i song.m4a song.wav",
    "headerless": "ffmpeg -i samples.raw samples.wav",
}


@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize("read", [read_audio, lambda path: list(read_blocks(path, 0.1))], ids=["whole", "blocks"])
def test_trouble_is_told_in_one_sentence_that_names_the_file(tmp_path, kind, read):
    path = broken_file(tmp_path, kind)
    with pytest.raises(TocsinError, match=TROUBLES[kind]) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"start_s": 1.0}, "a start of 1 s lies behind its end at 1 s"),
        ({"start_s": -0.1}, "the start must be 0 s or later"),
        ({"duration_s": 0.0}, "the duration must be above 0 s"),
        ({"duration_s": float("nan")}, "the duration must be above 0 s"),
        ({"sample_rate": 0}, "the sample rate must be above 0 Hz"),
    ],
)
def test_part_outside_the_file_is_refused(tmp_path, arguments, sentence):
    path = tmp_path / "tone.wav"
    soundfile.write(path, sine(440, 8000, 1), 8000)
    with pytest.raises(TocsinError, match=sentence):
        read_audio(path, **arguments)


def test_find_audio_lists_folders_sorted_and_files_as_named(tmp_path):
    for name in ("b/2.WAV", "b/1.flac", "a.ogg", "a.txt", "c.mp3", ".hidden/x.wav", "b/._1.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_audio([tmp_path / "a.txt", tmp_path, tmp_path])]
    assert found == ["a.txt", "a.ogg", "b/1.flac", "b/2.WAV", "c.mp3"]
    assert find_audio(str(tmp_path / "c.mp3")) == [tmp_path / "c.mp3"]


def test_find_audio_refuses_a_folder_without_audio(tmp_path):
    with pytest.raises(TocsinError, match="no audio in .*expected files that end in " + ", ".join(AUDIO_ENDINGS)):
        find_audio([tmp_path])
    with pytest.raises(TocsinError, match="an empty list of paths"):
        find_audio([])


def test_a_cut_mp3_is_read_as_far_in_blocks_as_at_once(tmp_path, rng):
    path = tmp_path / "whole.mp3"
    soundfile.write(path, rng.normal(0, 0.1, 8 * 22050), 22050)
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for sample_rate in (None, 12000):
        whole = read_audio(cut, sample_rate).samples
        blocks = np.concatenate([block.samples for block in read_blocks(cut, 1.0, sample_rate)])
        # Places in a damaged MP3 are found by estimate, so samples may differ, but none is missing.
        assert len(blocks) == len(whole) > 3 * (sample_rate or 22050)
