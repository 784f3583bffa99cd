"""Detections as careless tables hold them: refused in one sentence, or located as if they had been well kept."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.acoustics.synthesis import synthesize
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detection import Detection, read_detections
from tocsin.inference.model import Model
from tocsin.localization.geometry import LocalFrame
from tocsin.localization.locate import gunfire_probability, locate
from tocsin.localization.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)], float)
SOURCE = np.array([210.0, 450.0])


def heard(sensors=SENSORS, source=SOURCE, frame=None, **fields):
    delays = travel_times_s(source, sensors, Air())
    for index, (position, delay) in enumerate(zip(sensors, delays, strict=True)):
        place = {"x_m": position[0], "y_m": position[1]}
        if frame is not None:
            latitude, longitude, _ = frame.to_geographic([*position, 0.0])
            place = {"latitude": latitude, "longitude": longitude}
        time = START + timedelta(seconds=float(delay))
        extra = {name: value(index) for name, value in fields.items()}
        yield Detection(sensor_id=f"s{index}", onset_time_utc=time, **place, **extra)


def test_ids_that_count_for_each_sensor_do_not_lose_detections():
    (shot,) = locate(heard(detection_id=lambda index: "1"))
    assert shot.n_sensors == 6
    twice = [*heard(), *heard()]
    assert [shot.n_sensors for shot in locate(twice)] == [6]


def test_one_id_for_two_detections_of_a_sensor_is_refused():
    first, *_ = heard(detection_id=lambda index: "7")
    other = first.model_copy(update={"onset_time_utc": first.onset_time_utc + timedelta(seconds=1)})
    with pytest.raises(TocsinError, match="sensor s0 gives detection_id '7' to two detections"):
        locate([first, other, *heard()])


@pytest.mark.parametrize("x_m", [60_000.0, 1e300])
def test_a_mistyped_position_is_named_and_not_searched(x_m):
    sensors = np.vstack([SENSORS, [x_m, 0.0]])
    detections = [*heard(), Detection(sensor_id="s6", x_m=sensors[6, 0], y_m=0.0, onset_time_utc=START)]
    with pytest.raises(TocsinError, match=r"night\.csv: sensor s6 is .* km from the middle of the others"):
        locate(detections, input_name="night.csv")


def test_the_180th_meridian_is_a_line_as_any_other():
    errors = []
    for longitude in (179.999, -179.999, 20.0):
        frame = LocalFrame(-17.0, longitude)
        (shot,) = locate(heard(frame=frame))
        assert not shot.ambiguous
        found = frame.to_local(shot.place.latitude, shot.place.longitude)[:2]
        errors.append(float(np.hypot(*(found - SOURCE))))
    assert max(errors) < 0.5


def test_a_direction_that_no_sensor_sees_is_not_called_known():
    # From beyond the end of a line of sensors all differences are the same: the distance is open.
    line = np.array([(x, 0.0) for x in (0, 200, 400, 600, 800)])
    for shot in locate(heard(sensors=line, source=np.array([1500.0, 0.0]))):
        assert shot.ambiguous
        assert shot.ellipse_95.semi_major_m > 100


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("1", "not a number"),
        ("1767225600.5", "not a number"),
        ("0001-01-01T00:00:00+05:00", "expected a year from 1970 to 2200"),
        ("9999-12-31T23:59:59-05:00", "expected a year from 1970 to 2200"),
    ],
)
def test_times_that_are_no_times_are_refused(tmp_path, time, words):
    path = tmp_path / "table.csv"
    path.write_text(f"sensor_id,onset_time_utc,x_m,y_m\na,{time},0,0\n")
    with pytest.raises(TocsinError, match=f"row 2, column onset_time_utc.*{words}"):
        read_detections(path)


def test_deeply_nested_json_is_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(TocsinError, match="row 1: "):
        read_detections(path)


def test_an_array_is_heard_and_classified_by_the_shipped_weights(tmp_path):
    import soundfile

    rows = ["path,sensor_id,start_time_utc,x_m,y_m"]
    for index, position in enumerate(SENSORS):
        samples = synthesize("gunshot", np.random.default_rng(index), 12000, 3.0)
        soundfile.write(tmp_path / f"{index}.wav", samples, 12000)
        rows.append(f"{index}.wav,s{index},2026-01-01T00:00:00Z,{position[0]},{position[1]}")
    (tmp_path / "recordings.csv").write_text("\n".join(rows) + "\n")
    model = Model()
    detections = detect_array(read_array_recording(tmp_path), model)
    assert {detection.model_id for detection in detections} == {model.card.model_id}
    assert all(sum(detection.probabilities.values()) == pytest.approx(1) for detection in detections)
    assert gunfire_probability(detections) > 0.5


def test_weather_of_other_words_is_not_taken_for_none(tmp_path):
    (tmp_path / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,x_m,y_m\na.wav,a,2026-01-01T00:00:00Z,0,0\n"
    )
    (tmp_path / "weather.json").write_text('{"temp_c": -5}')
    with pytest.raises(TocsinError, match=r"weather\.json: none of temperature_c, .* is in it, but temp_c"):
        read_array_recording(tmp_path)
    (tmp_path / "weather.json").write_text("\ufeff" + '{"temperature_c": -5, "source": "KAGC"}', encoding="utf-8")
    assert read_array_recording(tmp_path).weather.temperature_c == -5
