"""Tables written by hand as the documentation of each format shows them."""

import json

import pytest

from tocsin import TocsinError
from tocsin.evaluation.bench.reading.recognise import EventFile, read_events, recognise

pandas = pytest.importorskip("pandas")

RAVEN = """Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin File\tFile Offset (s)\tAnnotation
1\tWaveform 1\t1\t1.5\t2.0\t0\t6000\ta.wav\t1.5\tshot
1\tSpectrogram 1\t1\t1.5\t2.0\t0\t6000\ta.wav\t1.5\tshot
2\tSpectrogram 1\t1\t63.0\t63.5\t0\t6000\tb.wav\t3.0\t"bang"
"""  # noqa: E501
BIRDNET_RAVEN = """Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)
1\tSpectrogram 1\t1\t0.0\t3.0\t0\t15000\tBlack-capped Chickadee\tbkcchi\t0.9016\t/a/soundscape.wav\t0.0
2\tSpectrogram 1\t1\t123.0\t126.0\t0\t15000\tHouse Finch\thoufin\t0.2293\t/a/other.wav\t3.0
3\tSpectrogram 1\t1\t0\t3\t0\t15000\tnocall\tnocall\t1.0\t/a/quiet.wav\t0
"""  # noqa: E501
BIRDNET_CSV = """\ufeffStart (s),End (s),Scientific name,Common name,Confidence,File
0.0,3.0,Glaucidium passerinum,Eurasian Pygmy Owl,0.9237,recording.wav
3.0,6.0,"Strix varia","Owl, Barred",0.5,recording.wav
"""
BIRDNET_AUDACITY = (
    "0.0\t3.0\tPoecile atricapillus, Black-capped Chickadee\t0.8141\n3.0\t6.0\tStrix varia, Barred Owl\t0.1\n"
)
AUDACITY = """2.150000\t2.150000\tpoint label at 2.15 seconds
3.400000\t6.100000\tregion label
\\\t1000.5\t2000.5
7.0\t7.0
"""
DCASE = (
    "filename\tonset\toffset\tevent_label\nY1.wav\t0.163\t0.665\tAlarm_bell_ringing\nY2.wav\t\t\t\nY1.wav\t1\t2\tDog\n"
)


def read(tmp_path, text, name="labels.txt", **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_events(EventFile(path, **options), "gunshot")


def test_raven_takes_file_offsets_and_one_row_a_selection(tmp_path):
    events = read(tmp_path, RAVEN)
    assert events["recording"].tolist() == ["a.wav", "b.wav"]
    assert events["onset_s"].tolist() == [1.5, 3.0]
    assert events["offset_s"].tolist() == [2.0, 3.5]
    assert events["label"].tolist() == ["shot", '"bang"']


def test_raven_of_one_file_is_named_by_its_own_name(tmp_path):
    text = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t4\t5\towl\n"
    events = read(tmp_path, text, "night.Table.1.selections.txt")
    assert events.loc[0, ["recording", "onset_s", "offset_s", "label"]].tolist() == ["night", 4.0, 5.0, "owl"]


def test_raven_of_several_files_without_offsets_is_refused(tmp_path):
    text = "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\n1\t4\t5\ta.wav\n2\t65\t66\tb.wav\n"
    with pytest.raises(TocsinError, match=r"2 files .* add the measurement File Offset \(s\)"):
        read(tmp_path, text)


def test_birdnet_in_its_three_forms(tmp_path):
    raven = read(tmp_path, BIRDNET_RAVEN)
    assert raven["recording"].tolist() == ["/a/soundscape.wav", "/a/other.wav"]
    assert raven["onset_s"].tolist() == [0.0, 3.0]
    assert raven["score"].tolist() == [0.9016, 0.2293]
    table = read(tmp_path, BIRDNET_CSV, "x.csv")
    assert table["label"].tolist() == ["Eurasian Pygmy Owl", "Owl, Barred"]
    assert table["recording"].tolist() == ["recording.wav"] * 2
    track = read(tmp_path, BIRDNET_AUDACITY, "rec.BirdNET.results.txt")
    assert track["label"].tolist() == ["Black-capped Chickadee", "Barred Owl"]
    assert track["score"].tolist() == [0.8141, 0.1]
    assert track["recording"].tolist() == ["rec", "rec"]


def test_audacity_with_a_line_of_frequencies_and_a_label_without_text(tmp_path):
    events = read(tmp_path, AUDACITY)
    assert events["onset_s"].tolist() == [2.15, 3.4, 7.0]
    assert events["offset_s"].tolist() == [2.15, 6.1, 7.0]
    assert events["label"].tolist() == ["point label at 2.15 seconds", "region label", ""]
    assert "score" not in events


def test_audacity_with_our_scores(tmp_path):
    events = read(tmp_path, "1.0\t1.0\tgunshot 0.930\n2.0\t2.0\tdog bark 1.000\n")
    assert events["label"].tolist() == ["gunshot", "dog bark"]
    assert events["score"].tolist() == [0.93, 1.0]


@pytest.mark.parametrize("text", [DCASE, DCASE.partition("\n")[2].replace("Y2.wav\t\t\t\n", "")])
def test_dcase_with_and_without_first_line(tmp_path, text):
    events = read(tmp_path, text, "dev.tsv")
    assert events["recording"].tolist() == ["Y1.wav", "Y1.wav"]
    assert events["onset_s"].tolist() == [0.163, 1.0]
    assert events["label"].tolist() == ["Alarm_bell_ringing", "Dog"]


def test_named_columns_of_any_table(tmp_path):
    text = "t0;file;p;range\n1.5;007;0.25;300\n"
    columns = {"recording": "file", "onset_s": "t0", "score": "p", "distance_m": "range"}
    events = read(tmp_path, text, "x.csv", columns=columns)
    assert events.loc[0, ["recording", "onset_s", "score", "distance_m"]].tolist() == ["007", 1.5, 0.25, 300]


def test_json_lines_of_sensors_score_by_the_target(tmp_path):
    lines = [
        {
            "sensor_id": "7",
            "onset_time_utc": "2024-01-01T00:00:00.25Z",
            "probabilities": {"gunshot": 0.5, "impulse": 0.4},
        },
        {
            "sensor_id": "8",
            "onset_time_utc": "2024-01-01T00:00:01Z",
            "probabilities": {"gunshot": 0.75, "impulse": 0.1},
        },
    ]
    events = read(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "d.jsonl")
    assert events["score"].tolist() == [0.5, 0.75]
    assert events["sensor_id"].tolist() == ["7", "8"]
    assert events["onset_time_utc"].dt.microsecond.tolist() == [250000, 0]


def test_parquet_by_sensor_and_day_keeps_names_that_look_like_numbers(tmp_path):
    rows = pandas.DataFrame({"path": ["a.wav"], "onset_s": [1.0], "label": ["gunshot"], "gunshot": [0.75]})
    for sensor in ("007", "12"):
        folder = tmp_path / f"sensor_id={sensor}" / "date=2024-01-01"
        folder.mkdir(parents=True)
        rows.to_parquet(folder / "part.parquet")
    (tmp_path / "journal.jsonl").write_text("{}\n")
    events = read_events(EventFile(tmp_path), "gunshot")
    assert sorted(events["sensor_id"]) == ["007", "12"]
    assert events["score"].tolist() == [0.75, 0.75]


def test_a_folder_of_tracks_is_a_recording_a_track(tmp_path):
    (tmp_path / "a.txt").write_text("1\t1\tshot\n")
    (tmp_path / "b.txt").write_text("2\t2\tshot\n")
    (tmp_path / "quiet.txt").write_text("")
    events = read_events(EventFile(tmp_path), "gunshot")
    assert events[["recording", "onset_s"]].values.tolist() == [["a", 1.0], ["b", 2.0]]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("nothing known\n1\n", {}, "is in no format that is known; it begins with 'nothing known'.*Raven"),
        ("1\t1\tshot\nx\t2\tshot\n", {"format": "audacity"}, r"row 2: start is 'x', expected a number"),
        ("filename\tonset\toffset\na.wav\tsoon\t2\n", {}, "row 2: onset is 'soon', expected a number"),
        ("path,onset_s,onset_sigma_s\na.wav,1,2\n", {}, "the column gunshot is missing"),
        ("a,b\n1,2\n", {"columns": {"onset_s": "t"}}, "there is no column t for onset_s, found a, b"),
        ("a,b\n1\n", {"columns": {"onset_s": "a"}}, "cannot be read as a table"),
        ("a,a\n1,2\n", {"columns": {"onset_s": "a"}}, "the column a stands 2 times"),
        ("1\t2\tx\n", {"format": "ravn"}, "the format ravn is not known: use one of"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, text, options, sentence):
    with pytest.raises(TocsinError, match=sentence):
        read(tmp_path, text, **options)


def test_the_content_tells_the_format_whatever_the_ending(tmp_path):
    texts = {"raven": RAVEN, "birdnet": BIRDNET_CSV, "audacity": AUDACITY, "dcase": DCASE}
    for format, text in texts.items():
        path = tmp_path / f"{format}.dat"
        path.write_text(text, encoding="utf-8")
        assert recognise(path) == format
