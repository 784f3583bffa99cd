"""The published live fire against its survey: a few tests of each kind; all of them are in benchmarks/location."""

import numpy as np
import pytest

from tocsin.data.public.pittsburgh import read_live_fire, write_array_recording, write_detections
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detection import read_detections
from tocsin.inference.onsets.picker import pick_onsets
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air


def read_test(recordings, name):
    [test] = read_live_fire(recordings / "live-fire" / "pittsburgh-2018" / name)
    return test


def errors_m(test, shots):
    return [np.hypot(shot.place.x_m - test.survey.x_m, shot.place.y_m - test.survey.y_m) for shot in shots]


@pytest.mark.parametrize("name", ["FP1/test_001", "FP2/test_028", "FP4/test_055", "FP6/test_112"])
def test_published_pulses_give_each_round_within_15_m(recordings, tmp_path, name):
    test = read_test(recordings, name)
    detections = read_detections(write_detections(test, tmp_path / "detections.csv"))
    shots = locate(detections, Air(temperature_c=test.weather.temperature_c))
    assert len(shots) == test.rounds
    assert max(errors_m(test, shots)) < 15.0
    assert not any(shot.ambiguous for shot in shots)


@pytest.mark.parametrize("name", ["FP1/test_001", "FP2/test_028", "FP6/test_110"])
def test_raw_audio_gives_the_shooter_within_15_m(recordings, tmp_path, name):
    test = read_test(recordings, name)
    array = read_array_recording(write_array_recording(test, tmp_path))
    shots = locate(detect_array(array, classify=False), Air(temperature_c=array.weather.temperature_c))
    assert len(shots) == test.rounds
    assert max(errors_m(test, shots)) < 15.0


def test_sensors_in_a_line_are_called_ambiguous_with_the_truth_among_the_alternatives(recordings, tmp_path):
    test = read_test(recordings, "FP4/test_061")  # its four recorded sensors lie nearly in a line
    array = read_array_recording(write_array_recording(test, tmp_path))
    shots = locate(detect_array(array, classify=False), Air(temperature_c=array.weather.temperature_c))
    assert all(shot.ambiguous for shot in shots)
    places = [shots[0].place, *(other.place for other in shots[0].alternatives)]
    assert min(np.hypot(place.x_m - test.survey.x_m, place.y_m - test.survey.y_m) for place in places) < 15.0


@pytest.mark.parametrize("name", ["FP1/test_003", "FP4/test_058", "FP6/test_109"])
def test_onsets_agree_with_the_published_arrivals(recordings, name):
    test = read_test(recordings, name)
    errors = []
    for recording in test.recordings:
        audio = recording.read()
        onsets = np.array([onset.onset_s for onset in pick_onsets(audio.samples, audio.sample_rate)])
        sound = np.flatnonzero(audio.samples) / audio.sample_rate
        for onset_s, pulse in test.onsets_s(recording):
            if pulse.shot_index is not None and sound[0] + 0.03 < onset_s < sound[-1] - 0.03:
                errors.append(np.abs(onsets - onset_s).min())
    assert len(errors) >= 4
    assert np.mean(np.array(errors) < 0.002) > 0.85
