"""Array recordings: several sensors in one file against a file each, blocks against the whole, and memory."""

import tracemalloc

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.inference import array_recording
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import pick_onsets

HEAD = "path,sensor_id,start_time_utc,x_m,y_m"


def sounds(rng, seconds, sample_rate=12000, sensors=3):
    """A bang every two seconds, at each sensor a tenth of a second later, in noise: shape ``(samples, sensors)``."""
    samples = 0.002 * rng.standard_normal((round(seconds * sample_rate), sensors))
    for sensor in range(sensors):
        for at_s in np.arange(1.0 + 0.1 * sensor, seconds - 0.5, 2.0):
            start, length = round(at_s * sample_rate), sample_rate // 10
            decay = np.exp(-np.arange(length) / (0.01 * sample_rate))
            samples[start : start + length, sensor] += 0.3 * decay * rng.standard_normal(length)
    return samples.astype(np.float32)


def array_of(folder, *rows, head=HEAD):
    """An array of rows ``path,sensor_id`` and what follows the position."""
    folder.mkdir(exist_ok=True)
    lines = []
    for number, row in enumerate(rows):
        path, sensor, *more = row.split(",")
        lines.append(",".join([path, sensor, "2026-01-01T00:00:00Z", str(60 * number), str(7 * number), *more]))
    (folder / "recordings.csv").write_text("\n".join([head, *lines]) + "\n")
    return folder


def heard(detections):
    return [(detection.sensor_id, detection.onset_time_utc, detection.level_dbfs) for detection in detections]


def test_channels_of_one_file_are_heard_as_a_file_each(tmp_path, rng):
    samples = sounds(rng, 5.0)
    apart = array_of(tmp_path / "apart", "0.wav,a", "1.wav,b", "2.wav,c")
    for sensor in range(3):
        soundfile.write(apart / f"{sensor}.wav", samples[:, sensor], 12000, subtype="FLOAT")
    head = HEAD + ",channel"
    together = array_of(tmp_path / "together", "all.wav,a,1", "all.wav,b,2", "all.wav,c,3", head=head)
    soundfile.write(together / "all.wav", samples, 12000, subtype="FLOAT")
    expected = heard(detect_array(read_array_recording(apart), classify=False))
    assert {sensor for sensor, _, _ in expected} == {"a", "b", "c"}
    assert heard(detect_array(read_array_recording(together), classify=False)) == expected


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["a.wav,m1,", "a.wav,m2,"], r"row 3: a\.wav is already heard as m1 \(row 2\): give each sensor a file"),
        (["a.wav,m1,", "../array/a.wav,m2,"], r"row 3: a\.wav is already heard as m1"),
        (["a.wav,m1,", "link.wav,m2,"], r"row 3: link\.wav is already heard as m1"),
        (["a.wav,m1,1", "b.wav,m3,", "a.wav,m2,1"], r"row 4: channel 1 of a\.wav is already heard as m1 \(row 2\)"),
        (["a.wav,m1,1", "a.wav,m2,2", "a.wav,m3,"], r"row 4: a\.wav is already heard as m1"),
        (["a.wav,m1,", "a.wav,m2,2"], r"row 3: channel 2 of a\.wav is already heard as m1"),
        (["a.wav,m1,0"], r"row 2, column channel: '0' does not fit: expected a whole number from 1 on"),
        (["a.wav,m1,left"], r"row 2, column channel: 'left' does not fit"),
        (["a.wav,m1,1.5"], r"row 2, column channel: '1\.5' does not fit"),
    ],
)
def test_a_sound_that_is_given_to_two_sensors_is_refused(tmp_path, rows, sentence):
    folder = array_of(tmp_path / "array", *rows, head=HEAD + ",channel")
    (folder / "link.wav").symlink_to(folder / "a.wav")
    with pytest.raises(TocsinError, match=sentence):
        read_array_recording(folder)


def test_a_channel_that_the_file_lacks_is_said_and_the_others_are_heard(tmp_path, rng):
    folder = array_of(tmp_path / "array", "a.wav,m1,2", "a.wav,m2,3", head=HEAD + ",channel")
    soundfile.write(folder / "a.wav", sounds(rng, 3.0, sensors=2), 12000)
    said: list[str] = []
    detections = detect_array(read_array_recording(folder), classify=False, complain=said.append)
    assert said == [f"{folder / 'a.wav'} has 2 channels, and no channel 3"]
    assert {detection.sensor_id for detection in detections} == {"m1"}


@pytest.mark.parametrize("sample_rate", [8000, 12000, 44100])
def test_blocks_give_the_detections_of_the_whole(tmp_path, rng, tiny_onnx, monkeypatch, sample_rate):
    monkeypatch.setattr(array_recording, "BLOCK_S", 0.37)
    folder, model = array_of(tmp_path / "array", "a.flac,m1"), Model(tiny_onnx)
    soundfile.write(folder / "a.flac", sounds(rng, 7.0, sample_rate, sensors=1), sample_rate)
    audio, array = read_audio(folder / "a.flac"), read_array_recording(folder)
    onsets, events = pick_onsets(audio.samples, sample_rate), detect(audio.samples, sample_rate, model)
    assert len(onsets) >= 3
    for found, expected in ((detect_array(array, classify=False), onsets), (detect_array(array, model), events)):
        measured = [(item.onset_sigma_s, item.snr_db, item.level_dbfs) for item in found]
        assert measured == [(item.onset_sigma_s, item.snr_db, item.level_dbfs) for item in expected]
        start = array.recordings[0].start_time_utc
        onset_s = [(item.onset_time_utc - start).total_seconds() for item in found]
        assert onset_s == pytest.approx([item.onset_s for item in expected], abs=1e-6)
    assert [item.probabilities for item in detect_array(array, model)] == [item.probabilities for item in events]


def test_memory_does_not_grow_with_the_length_of_the_recordings(tmp_path, rng):
    held = []
    for minutes in (1, 4):
        folder = array_of(tmp_path / str(minutes), "a.wav,m1", "b.wav,m2")
        for name in ("a.wav", "b.wav"):
            soundfile.write(folder / name, 0.01 * rng.standard_normal(minutes * 60 * 8000), 8000)
        tracemalloc.start()
        detect_array(read_array_recording(folder), classify=False)
        held.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The samples of three minutes more are 5.8 MB of float32.
    assert held[1] < held[0] + 5e5
