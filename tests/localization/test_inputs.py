"""``tocsin.locate`` takes what the command takes, and gives what it writes."""

import io
import subprocess
import sys

import pandas
import pytest

import tocsin
from tocsin import TocsinError
from tocsin.localization.observation.travel import Air, air_of


@pytest.fixture
def typed(sounds):
    """A function that types a command in the folder of the sounds: its table."""

    def run(*words):
        command = [sys.executable, "-m", "tocsin", "locate", "--format", "csv", *words]
        frame = pandas.read_csv(io.StringIO(subprocess.check_output(command, text=True, cwd=sounds)))
        frame["discharge_time_utc"] = pandas.to_datetime(frame["discharge_time_utc"], utc=True)
        return frame

    return run


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("detections.csv", {"temperature_c": 4.0}),
        ("detections.jsonl", {"temperature_c": 4.0, "wind_speed_mps": 3.0, "wind_from_deg": 90.0}),
        ("array_recording", {}),
        ("array_recording", {"temperature_c": 5.0}),
    ],
)
def test_shots_of_a_path_are_the_rows_of_the_command(name, known, typed, sounds, monkeypatch):
    monkeypatch.chdir(sounds)
    words = [word for key, value in known.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    shots = tocsin.locate(name, **known)
    assert [shot.input for shot in shots] == [name]
    assert abs(shots[0].place.x_m - 210) < 15
    # What is not set is missing in both, though a file cannot say of what type.
    pandas.testing.assert_frame_equal(shots.to_dataframe(), typed(name, *words), check_dtype=False)


def test_a_path_and_its_detections_get_one_answer(sounds):
    path = sounds / "detections.csv"
    assert tocsin.locate(path) == tocsin.locate(tocsin.read_detections(path), input_name=str(path))


def test_a_table_of_detections_has_the_columns_of_the_file(sounds):
    read = tocsin.read_detections(sounds / "detections.csv")
    assert list(read.to_dataframe().columns) == list(pandas.read_csv(sounds / "detections.csv").columns)


def test_no_shots_and_no_incidents_are_tables_with_columns(sounds):
    few = tocsin.locate(tocsin.read_detections(sounds / "detections.csv")[:2])
    full = tocsin.locate(sounds / "detections.csv")
    assert few == []
    assert list(few.to_dataframe().columns) == list(full.to_dataframe().columns)
    empty, one = tocsin.incidents_of(few), tocsin.incidents_of(full)
    assert list(empty.to_dataframe().columns) == list(one.to_dataframe().columns)


def test_incidents_of_a_stream_and_of_a_table_are_alike(sounds):
    detections = tocsin.read_detections(sounds / "detections.csv")
    engine = tocsin.Fusion()
    engine.push(detections)
    [streamed] = engine.finish()
    [located] = tocsin.incidents_of(tocsin.locate(detections))
    assert streamed.place == located.place
    assert streamed.ellipse_95 == located.ellipse_95  # of an air that is not stated, in both
    row = tocsin.incidents_of([*located.shots]).to_dataframe().iloc[0]
    assert (row["x_m"], row["semi_major_m"], row["rounds"]) == (
        round(located.place.x_m, 2), round(located.ellipse_95.semi_major_m, 2), 1
    )  # fmt: skip


def test_fusion_loads_no_model():
    code = "import tocsin, sys; tocsin.Fusion(); tocsin.locate([]); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "tocsin.localization.stream.fusion" in loaded
    assert not {"onnxruntime", "soundfile", "pandas", "torch"} & set(loaded)


@pytest.mark.parametrize(
    ("name", "value"), [("temperature_c", 288.15), ("wind_speed_mps", -1.0), ("wind_from_deg", float("nan"))]
)
def test_an_air_that_nobody_breathes_is_refused(name, value):
    with pytest.raises(TocsinError, match=f"{name} is {value}: expected"):
        air_of({name: value})
    with pytest.raises(TocsinError, match=f"{name} is {value}: expected"):
        tocsin.locate([], **{name: value})


def test_an_air_is_given_once(sounds):
    with pytest.raises(TocsinError, match="the air is given twice, as atmosphere and as temperature_c"):
        tocsin.locate(sounds / "detections.csv", Air(4.0), temperature_c=4.0)


def test_shots_incidents_and_detections_print_as_a_line(sounds):
    detections = tocsin.read_detections(sounds / "detections.csv")
    shots = tocsin.locate(detections)
    assert str(detections[0]).startswith("sensor s0 at x 0.0 m, y 0.0 m: 2026-01-01T00:00:02.")
    assert "gunshot 0.900" in str(detections[0])
    assert str(shots[0]).startswith("2026-01-01T00:00:0")
    assert f"x {shots[0].place.x_m:.1f} m" in str(shots[0])
    for result in (detections[0], shots[0], tocsin.incidents_of(shots)[0]):
        assert "\n" not in repr(result)
        assert repr(result).startswith(f"<{type(result).__name__} ")
