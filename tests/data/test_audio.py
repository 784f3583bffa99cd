"""Reading of audio: each trouble a file may have, and resampling against the closed form of a sine."""

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import AUDIO_ENDINGS, file_duration_s, find_audio, read_audio, read_blocks


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


def bang(rng, at_s: float, seconds: float) -> np.ndarray:
    """A decaying burst at a time, at 8000 Hz, in silence."""
    samples = np.zeros(round(8000 * seconds))
    start = round(8000 * at_s)
    samples[start : start + 800] = 0.5 * np.exp(-np.arange(800) / 80) * rng.standard_normal(800)
    return samples


def read_every_way(path):
    """The samples of a file, on which the ways of reading agree."""
    whole = read_audio(path).samples
    assert np.array_equal(np.concatenate([block.samples for block in read_blocks(path, 0.37)]), whole)
    assert np.array_equal(read_audio(path, start_s=0.5, duration_s=0.25).samples, whole[4000:6000])
    assert file_duration_s(path) == len(whole) / 8000
    return whole


def test_of_channels_that_cancel_each_other_the_loudest_is_heard(tmp_path, rng):
    path, sound = tmp_path / "turned.wav", bang(rng, 1.0, 2.0)
    for channels in ([0.9, -1.0], [-0.5, 0.5], [0.5, -0.49, 0.0], [0.1, 1.0, -1.0, -0.1]):
        soundfile.write(path, sound[:, None] * channels, 8000, subtype="FLOAT")
        assert read_every_way(path) == pytest.approx(sound * max(channels, key=abs), abs=1e-7)


def test_hours_of_unrelated_noise_do_not_hide_that_a_bang_is_cancelled(tmp_path, rng):
    sound = 0.3 * bang(rng, 50.0, 60.0)[:, None] * [1.0, -1.0]
    samples = sound + 0.003 * rng.standard_normal(sound.shape) + [0.2, 0.2]  # and a level that both share
    soundfile.write(tmp_path / "turned.flac", samples, 8000, subtype="PCM_24")
    chosen = read_every_way(tmp_path / "turned.flac")
    assert min(np.abs(chosen - channel).max() for channel in samples.T) < 1e-6


@pytest.mark.parametrize(
    "kind", ["unrelated", "one silent", "of eight one alone", "late", "opposite levels", "clipped"]
)
def test_channels_that_do_not_cancel_each_other_are_averaged(tmp_path, rng, kind):
    sound, noise = bang(rng, 1.0, 2.0), 0.1 * rng.standard_normal((16000, 2))
    samples = {
        "unrelated": noise,
        "one silent": sound[:, None] * [0.0, 1.0],
        "of eight one alone": sound[:, None] * [0, 0, 0, 0, 0, 1, 0, 0],
        "late": np.stack([sound, np.roll(sound, 4)], axis=1),
        "opposite levels": sound[:, None] + [0.3, -0.3],
        "clipped": np.clip(sound[:, None] * [1.0, 9.0], -1, 1),
    }[kind]
    soundfile.write(tmp_path / "channels.wav", samples, 8000, subtype="FLOAT")
    assert read_every_way(tmp_path / "channels.wav") == pytest.approx(samples.mean(axis=1), abs=1e-7)


def test_a_sample_that_is_no_number_is_refused_where_it_is_read_and_not_before(tmp_path, rng):
    samples = bang(rng, 0.2, 2.0)[:, None] * [1.0, -1.0]
    samples[12000, 0] = np.inf
    soundfile.write(tmp_path / "odd.wav", samples, 8000, subtype="FLOAT")
    assert read_audio(tmp_path / "odd.wav", duration_s=1.0).samples == pytest.approx(samples[:8000, 0], abs=1e-7)
    with pytest.raises(TocsinError, match=r"NaN or infinite at 1\.500000 s"):
        read_audio(tmp_path / "odd.wav")


def test_blocks_of_one_channel_are_that_channel(tmp_path, rng):
    samples = 0.1 * rng.standard_normal((20000, 3)).astype(np.float32)
    path = tmp_path / "three.wav"
    soundfile.write(path, samples, 8000, subtype="FLOAT")
    for channel in (1, 2, 3):
        blocks = [block.samples for block in read_blocks(path, 0.7, channel=channel)]
        assert np.array_equal(np.concatenate(blocks), samples[:, channel - 1])
    for channel in (0, 4):
        with pytest.raises(TocsinError, match=rf"three\.wav has 3 channels, and no channel {channel}"):
            next(read_blocks(path, 0.7, channel=channel))


def test_blocks_of_a_file_hold_no_more_than_a_block(tmp_path, rng):
    held = {}
    for (ending, channels), minutes in itertools.product((("wav", 1), ("flac", 2), ("mp3", 1)), (1, 5)):
        path = tmp_path / f"{minutes}.{ending}"
        soundfile.write(path, 0.1 * rng.standard_normal((minutes * 60 * 8000, channels)), 8000)
        tracemalloc.start()
        for block in read_blocks(path, 10.0, 12000):
            del block
        held[ending, channels, minutes] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # Four minutes more are 7.7 MB a channel; the bytes of a file are looked through a megabyte at a time.
        assert held[ending, channels, minutes] < held[ending, channels, 1] + 1.5e6
        assert held[ending, channels, minutes] < 6e6


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


@pytest.mark.parametrize("ending", AUDIO_ENDINGS)
def test_each_ending_that_a_folder_stands_for_is_read(tmp_path, ending):
    names = {".wave": "WAV", ".bwf": "WAV", ".oga": "OGG", ".opus": "OGG", ".aif": "AIFF", ".aifc": "AIFF",
             ".snd": "AU", ".sph": "NIST"}  # fmt: skip
    form = names.get(ending, ending[1:].upper())
    subtype = {".opus": "OPUS", ".aifc": "ALAW"}.get(ending)
    path = tmp_path / f"tone{ending.upper()}"
    soundfile.write(path, sine(440, 16000, 1), 16000, format=form, subtype=subtype)
    assert find_audio(tmp_path) == [path]
    assert read_audio(path).duration_s == file_duration_s(path) == 1.0
    assert read_audio(path).samples.std() == pytest.approx(0.5 / np.sqrt(2), abs=0.01)


def test_find_audio_names_sound_that_it_leaves_out(tmp_path):
    for name in ("a.wav", "b.M4A", "deep/c.wma", ".hidden/d.aac", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    said: list[str] = []
    assert find_audio(tmp_path, said.append) == [tmp_path / "a.wav"]
    [sentence] = said
    assert sentence.startswith(f"{tmp_path / 'b.M4A'} and 1 more left out")
    assert "`ffmpeg -i b.M4A b.wav`" in sentence
    with pytest.raises(TocsinError, match=r"no audio in .*; .*c\.wma left out, .*`ffmpeg -i c\.wma c\.wav`"):
        find_audio(tmp_path / "deep", said.append)
    assert find_audio(tmp_path / "b.M4A", said.append) == [tmp_path / "b.M4A"]
    assert len(said) == 1


def test_find_audio_follows_links_to_folders_each_folder_once(tmp_path):
    site, disk = tmp_path / "site", tmp_path / "disk"
    for path in (site / "may" / "1.wav", disk / "june" / "2.wav", disk / "3.wav"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (site / "a_latest").symlink_to(site / "may")  # before it by name, and yet not in its place
    (site / "b_disk").symlink_to(disk)
    (site / "may" / "round").symlink_to(tmp_path)
    (site / "4.wav").symlink_to(disk / "3.wav")
    (site / "gone").symlink_to(tmp_path / "nowhere")
    found = [path.relative_to(site).as_posix() for path in find_audio(site)]
    assert found == ["4.wav", "b_disk/3.wav", "b_disk/june/2.wav", "may/1.wav"]


def test_find_audio_says_which_folder_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "a.wav").touch()
    (tmp_path / "locked").mkdir()
    listed = Path.iterdir

    def iterdir(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    said: list[str] = []
    assert find_audio(tmp_path, said.append) == [tmp_path / "a.wav"]
    assert said == [f"{tmp_path / 'locked'} cannot be opened and is left out: Permission denied"]


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


def test_a_coding_that_cannot_seek_is_read_from_its_start(tmp_path):
    path = tmp_path / "telephone.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(16000), 8000, subtype="GSM610")
    expected = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_array_equal(read_audio(path).samples, expected)
    np.testing.assert_array_equal(np.concatenate([b.samples for b in read_blocks(path, 0.3)]), expected)


@pytest.mark.parametrize(("rate", "frames"), [(48000, 48010), (48000, 16010), (24000, 24001), (8000, 8003)])
def test_half_a_sample_at_the_end_is_rounded_as_in_blocks(tmp_path, rate, frames):
    soundfile.write(tmp_path / "half.wav", np.full(frames, 0.1), rate)
    whole = read_audio(tmp_path / "half.wav", 12000).samples
    assert len(whole) == sum(len(block.samples) for block in read_blocks(tmp_path / "half.wav", 1.0, 12000))
