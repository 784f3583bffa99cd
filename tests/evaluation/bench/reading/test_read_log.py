"""Logs of recordings, labels and detections that are written here, and of the shared clips."""

import sys

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.evaluation.bench.log import UNSURE
from tocsin.evaluation.bench.reading.names import place_in_time, reconcile
from tocsin.evaluation.bench.reading.read_log import read_detector, read_log
from tocsin.evaluation.bench.reading.recognise import EventFile
from tocsin.evaluation.bench.reading.recordings import read_recordings

pandas = pytest.importorskip("pandas")


def frame(names, onsets):
    return pandas.DataFrame({"recording": names, "onset_s": onsets})


def test_names_fit_by_path_then_its_end_then_file_name_then_stem():
    recordings = pandas.DataFrame({"recording": ["a/x.wav", "b/x.wav", "b/y.wav"], "duration_s": 60.0})
    said = []
    events = reconcile(
        recordings, frame(["a/x.wav", "/data/b/x.wav", "C:\\else\\y.wav", "y"], range(4)), "d.csv", said.append
    )
    assert events["recording"].tolist() == ["a/x.wav", "b/x.wav", "b/y.wav", "b/y.wav"]
    assert said == [
        "d.csv: 1 of 4 names fit by file name alone, C:\\else\\y.wav as b/y.wav",
        "d.csv: 1 of 4 names fit by name without ending alone, y as b/y.wav",
    ]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["q.wav", "r.wav", "b/y.wav"], r"q.wav is none of the 3 recordings.* so are 1 more of 3 names"),
        (["x.wav"], r"x.wav may be several of the 3 recordings"),
        (["one/y.wav", "two/y.wav"], r"one/y.wav and two/y.wav would both be b/y.wav"),
    ],
)
def test_names_that_fit_none_or_several_are_refused(names, sentence):
    recordings = pandas.DataFrame({"recording": ["a/x.wav", "b/x.wav", "b/y.wav"], "duration_s": 60.0})
    with pytest.raises(TocsinError, match=sentence):
        reconcile(recordings, frame(names, [0.0] * len(names)), "d.csv")


def test_times_choose_the_stretch_of_a_file():
    recordings = pandas.DataFrame(
        {"recording": ["a#0-2", "a#5-9"], "path": "a.wav", "start_s": [0, 5], "duration_s": [2.0, 4.0]}
    )
    said = []
    events = reconcile(recordings, frame(["a.wav"] * 3, [6.0, 1.0, 3.0]), "d", said.append)
    assert events[["recording", "onset_s"]].values.tolist() == [["a#0-2", 1.0], ["a#5-9", 1.0]]
    assert said == ["d: 1 of 3 events lie in no stretch of their file: left out"]
    assert reconcile(recordings, frame(["a#5-9"], [1.0]), "d").values.tolist() == [["a#5-9", 1.0]]


def test_a_file_of_two_channels_does_not_say_which():
    recordings = pandas.DataFrame({"recording": ["a.wav#1", "a.wav#2"], "path": "a.wav", "duration_s": 5.0})
    with pytest.raises(TocsinError, match=r"1 rows name a.wav, which is of several recordings"):
        reconcile(recordings, frame(["a.wav"], [1.0]), "d")


def test_events_of_sensors_go_to_the_recording_that_holds_their_time():
    hour = pandas.Timestamp("2024-01-01T00:00:00Z")
    recordings = pandas.DataFrame(
        {
            "recording": ["s0", "s1", "t0"],
            "sensor_id": ["s", "s", "t"],
            "start_time_utc": [hour, hour + pandas.Timedelta("1h"), hour],
            "duration_s": 600.0,
        }
    )
    times = [hour + pandas.Timedelta(seconds=s) for s in (3600.25, 599.5, 700, 1)]
    events = pandas.DataFrame({"sensor_id": ["s", "s", "s", "t"], "onset_time_utc": times, "score": 0.5})
    said = []
    placed = place_in_time(recordings, events, "d", said.append)
    assert sorted(placed[["recording", "onset_s"]].values.tolist()) == [["s0", 599.5], ["s1", 0.25], ["t0", 1.0]]
    assert said == ["d: 1 of 4 events lie in no recording of their sensor: left out"]
    with pytest.raises(TocsinError, match=r"expected sensor_id and start_time_utc"):
        place_in_time(recordings.drop(columns="sensor_id"), events, "d")


def test_labels_and_hours_are_a_log(tmp_path):
    (tmp_path / "truth.txt").write_text("10\t10\tshot\n20\t22\tunsure\n30\t30\tfirework\n")
    (tmp_path / "found.txt").write_text("10\t10\tgunshot 0.9\n50\t50\tfireworks 0.8\n")
    said = []
    log = read_log(
        None,
        EventFile(tmp_path / "truth.txt"),
        EventFile(tmp_path / "found.txt"),
        labels={"shot": "gunshot", "firework": "fireworks"},
        hours=12.5,
        complain=said.append,
    )
    assert log.hours == 12.5
    assert log.truth["label"].tolist() == ["gunshot", UNSURE, "fireworks"]
    assert log.detections["score"].tolist() == [0.9]
    assert any("1 of 2 rows are left out, labelled fireworks" in sentence for sentence in said)
    again = read_detector(log, EventFile(tmp_path / "found.txt"), {"fireworks": "gunshot"}, "other")
    assert again.detections["score"].tolist() == [0.9, 0.8]
    (tmp_path / "dogs.txt").write_text("1\t1\tdog 0.9\n2\t2\tdog 0.8\n")
    with pytest.raises(TocsinError, match=r'none of its 2 rows is labelled gunshot.*--map "dog=gunshot"'):
        read_log(None, None, EventFile(tmp_path / "dogs.txt"), hours=1)
    with pytest.raises(TocsinError, match=r"nothing says how long was listened"):
        read_log(None, EventFile(tmp_path / "truth.txt"))


def test_start_times_come_from_the_names_of_recorders(tmp_path):
    for name in ("20240131_235959.WAV", "SM4_20240201_000959.wav", "other.wav"):
        soundfile.write(tmp_path / name, np.zeros(8000), 8000)
    recordings, truth = read_recordings(tmp_path, "gunshot")
    assert truth is None
    times = dict(zip(recordings["recording"], recordings["start_time_utc"], strict=True))
    assert times["20240131_235959.WAV"] == pandas.Timestamp("2024-01-31T23:59:59Z")
    assert times["SM4_20240201_000959.wav"] == pandas.Timestamp("2024-02-01T00:09:59Z")
    assert times["other.wav"] is pandas.NaT
    assert recordings["duration_s"].tolist() == [1.0, 1.0, 1.0]


def test_a_table_of_recordings_fills_lengths_from_the_files(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(12000), 8000)
    (tmp_path / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,duration_s,place\na.wav,007,2024-01-01T00:00:00Z,,roof\nb.wav,8,,2.5,mast\n"
    )
    recordings, _ = read_recordings(tmp_path, "gunshot")
    assert recordings["duration_s"].tolist() == [1.5, 2.5]
    assert recordings["sensor_id"].tolist() == ["007", "8"]
    assert recordings["place"].tolist() == ["roof", "mast"]


def test_a_manifest_is_recordings_and_truth(tmp_path):
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.zeros(80000), 8000)
    (tmp_path / "m.csv").write_text(
        "path,label,start_s,end_s,recording_id,session_id,quality,onset_s\n"
        "a.wav,gunshot,1,3,r,s,ok,1.5\na.wav,gunshot,2,4,r,s,ok,2.25\na.wav,rain,6,8,r,s,ok,\n"
        "b.wav,gunshot,0,10,q,t,ok,\nb.wav,gunshot,0,10,q,t,doubtful,\n"
    )
    recordings, truth = read_recordings(tmp_path / "m.csv", "gunshot")
    assert recordings["recording"].tolist() == ["a.wav#1-4", "a.wav#6-8", "b.wav"]
    assert recordings["duration_s"].tolist() == [3, 2, 10]
    assert recordings["label"].tolist() == ["gunshot", "rain", "gunshot"]
    assert truth["onset_s"].tolist() == [0.5, 1.25, 0, 0]
    assert truth["weak"].tolist() == [False, False, True, False]
    assert truth["label"].tolist() == ["gunshot", "gunshot", "gunshot", UNSURE]


def test_without_pandas_a_sentence_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "x.txt").write_text("1\t1\tshot\n")
    with pytest.raises(TocsinError, match=r'this needs pandas: type .pip install "tocsin\[analysis\]"'):
        read_log(None, EventFile(tmp_path / "x.txt"), hours=1)


def test_the_shared_clips_are_a_log(recordings):
    if not (recordings / "clips/manifest.csv").is_file():
        pytest.skip("the shared clips are not there")
    log = read_log(recordings / "clips")
    assert log.hours == pytest.approx(4.5, abs=0.3)
    assert log.truth["weak"][log.truth["label"] == "gunshot"].all()
    assert {"gunshot", "traffic", "dog_bark"} <= {*log.recordings["label"]}
