"""Association of simulated arrivals with known truth: echoes, misses, clutter, bursts, several sources."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import Candidate, assign, associate, shot_scores
from tocsin.localization.fitting.acceptance import ECHO_COST, echoes_of, less_echoes
from tocsin.localization.fitting.settle import settle
from tocsin.localization.incidents.grouping import incidents_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import CLUTTER_PER_S, arrivals_of, site_of
from tocsin.localization.observation.nearby import LATE_S, LATE_SHARE, hearing_at_distance
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=10.0)
SENSORS = {f"s{i}": xy for i, xy in enumerate([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)])}


def detection(sensor, time_s, sensors=SENSORS, **fields):
    x_m, y_m = sensors[sensor]
    defaults = {"onset_sigma_s": 0.001, "clock_sigma_s": 0.0, "position_sigma_m": 0.0, "snr_db": 20.0}
    time = START + timedelta(seconds=float(time_s))
    return Detection(sensor_id=sensor, onset_time_utc=time, x_m=x_m, y_m=y_m, **(defaults | fields))


def arrivals_from(source, time_s, sensors=SENSORS, air=AIR, rng=None, sigma_s=0.0, **fields):
    travel = travel_times_s(np.array(source, float), np.array(list(sensors.values()), float), air)
    noise = rng.normal(0, sigma_s, len(sensors)) if rng is not None else np.zeros(len(sensors))
    return [
        detection(name, time_s + delay + error, sensors, **fields)
        for name, delay, error in zip(sensors, travel, noise, strict=True)
    ]


def away(shot, source):
    return float(np.hypot(shot.place.x_m - source[0], shot.place.y_m - source[1]))


def with_echoes(rng, detections, count=3):
    late = []
    for direct in detections:
        for _ in range(count):
            onset = direct.onset_time_utc + timedelta(seconds=float(rng.uniform(0.06, 0.6)))
            late.append(
                direct.model_copy(update={"onset_time_utc": onset, "snr_db": 13.0, "detection_id": f"e{rng.random()}"})
            )
    return late


def test_a_clean_shot_is_found_where_it_was_fired():
    [shot] = locate(arrivals_from((210, 450), 1.0), AIR)
    assert away(shot, (210, 450)) < 0.1
    assert shot.discharge_time_utc - START == pytest.approx(timedelta(seconds=1), abs=timedelta(milliseconds=1))
    assert shot.n_sensors == 6
    assert not shot.ambiguous
    assert max(abs(value) for value in shot.residuals_s.values()) < 0.001


@pytest.mark.parametrize("seed", range(8))
def test_echoes_are_told_from_direct_sound(seed):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 600, 2)
    direct = arrivals_from(source, 1.0, rng=rng, sigma_s=0.003)
    [shot] = locate(direct + with_echoes(rng, direct), AIR)
    assert away(shot, source) < 10
    assert set(shot.detections) == {item.detection_id for item in direct}


def test_one_sensor_of_six_delayed_by_an_echo_is_rejected_by_name():
    sure = 0
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        source = rng.uniform(50, 550, 2)
        detections = arrivals_from(source, 1.0, rng=rng, sigma_s=0.003)
        late = int(rng.integers(6))
        onset = detections[late].onset_time_utc + timedelta(seconds=float(rng.uniform(0.08, 0.4)))
        detections[late] = detections[late].model_copy(update={"onset_time_utc": onset})
        shot = locate(detections, AIR)[0]
        assert shot.ambiguous or away(shot, source) < 35
        named = [item.sensor_id for item in shot.rejected if item.reason == "later than direct sound"]
        sure += not shot.ambiguous and away(shot, source) < 25 and named == [f"s{late}"]
    assert sure >= 10


def test_a_burst_is_one_incident_and_an_early_false_arrival_does_not_move_it(rng):
    source = (330, 120)
    detections = [
        item for time in (0.0, 0.3, 0.62, 0.91) for item in arrivals_from(source, time, rng=rng, sigma_s=0.002)
    ]
    detections.append(detection("s2", 0.4, snr_db=30.0))
    shots = locate(detections, AIR)
    assert len(shots) == 4
    assert all(away(shot, source) < 5 for shot in shots)
    [incident] = incidents_of(shots)
    assert incident.rounds == 4
    assert incident.last_time_utc - incident.first_time_utc == pytest.approx(
        timedelta(seconds=0.91), abs=timedelta(milliseconds=10)
    )


def test_rounds_under_the_reverberation_are_found_by_their_fingerprint(rng):
    source, town = (330, 120), rng.normal(0, 0.012, len(SENSORS))
    rounds = []
    for time, snr_db in ((0.0, 25.0), (0.31, 7.0), (0.74, 9.0)):
        for index, item in enumerate(arrivals_from(source, time, snr_db=snr_db, rng=rng, sigma_s=0.001)):
            onset = item.onset_time_utc + timedelta(seconds=float(town[index]))
            rounds.append(item.model_copy(update={"onset_time_utc": onset, "detection_id": f"{time}-{index}"}))
    shots = locate(rounds + with_echoes(rng, rounds[:6]), AIR)
    assert [shot.n_sensors for shot in shots if not shot.ambiguous] == [6, 6, 6]
    assert max(away(shot, source) for shot in shots) < 20
    # Without the intervals in common there is nothing to find.
    loose = [
        item.model_copy(update={"onset_time_utc": item.onset_time_utc + timedelta(seconds=float(rng.uniform(0, 0.2)))})
        for item in rounds[6:]
    ]
    assert sum(not shot.ambiguous for shot in locate(rounds[:6] + loose, AIR)) == 1


def test_two_shooters_at_once_are_two_incidents(rng):
    sensors = SENSORS | {"s6": (100, -300), "s7": (700, -200), "s8": (350, 900)}
    first = arrivals_from((100, 100), 0.0, sensors, rng=rng, sigma_s=0.002)
    second = arrivals_from((600, 420), 0.35, sensors, rng=rng, sigma_s=0.002)
    # Nobody classified them, so half of the probability that each is one sound is left.
    shots = [shot for shot in locate(first + second, AIR) if shot.probability > 0.25]
    assert len(shots) == 2
    assert away(shots[0], (100, 100)) < 10
    assert away(shots[1], (600, 420)) < 10
    assert len(incidents_of(shots)) == 2
    assert not set(shots[0].detections) & set(shots[1].detections)


def test_shots_far_apart_in_time_do_not_know_of_each_other(rng):
    lone = arrivals_from((210, 450), 0.0, rng=rng, sigma_s=0.002)
    others = [item for time in (60.0, 120.0) for item in arrivals_from((400, 200), time, rng=rng, sigma_s=0.002)]
    assert locate(lone, AIR)[0] == locate(lone + others, AIR)[0]


def test_an_unbroken_half_minute_is_located_across_its_windows(rng):
    sources = [((330, 120), (480, 500))[index % 2] for index in range(19)]
    detections = []
    for index, source in enumerate(sources):
        detections += arrivals_from(source, 1.6 * index, rng=rng, sigma_s=0.002)
    shots = locate(detections, AIR)
    assert len(shots) == len(sources)
    assert max(away(shot, source) for shot, source in zip(shots, sources, strict=True)) < 5
    assert not any(shot.ambiguous for shot in shots)


def test_arrivals_that_agree_nowhere_make_no_sure_shot():
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(20):
        detections = [
            detection(name, time, snr_db=float(rng.uniform(4, 12))) for name in SENSORS for time in rng.uniform(0, 3, 3)
        ]
        false += sum(not shot.ambiguous and shot.probability > 0.5 for shot in locate(detections, AIR))
    assert false <= 1


def test_order_and_duplicates_of_the_input_change_nothing(rng):
    detections = arrivals_from((210, 450), 1.0, rng=rng, sigma_s=0.003)
    detections += with_echoes(rng, detections)
    mixed = [detections[index] for index in rng.permutation(len(detections))] + detections[:5]
    assert locate(detections, AIR, "a") == locate(mixed, AIR, "a")


def test_each_arrival_is_used_once_and_each_sensor_once_a_shot(rng):
    source = (330, 120)
    detections = [item for time in (0.0, 0.25) for item in arrivals_from(source, time, rng=rng, sigma_s=0.002)]
    detections += with_echoes(rng, detections, 1)
    shots = locate(detections, AIR)
    used = [name for shot in shots for name in shot.detections]
    assert len(used) == len(set(used))
    sensor_of = {item.detection_id: item.sensor_id for item in detections}
    for shot in shots:
        assert len({sensor_of[name] for name in shot.detections}) == shot.n_sensors


def test_assign_takes_the_arrival_that_fits_not_the_echo():
    direct = arrivals_from((210, 450), 1.0)
    echoes = [detection(item.sensor_id, (item.onset_time_utc - START).total_seconds() + 0.03) for item in direct]
    arrivals = arrivals_of(direct + echoes, site_of(direct + echoes))
    best = associate(arrivals, AIR)[0]
    chosen = assign(arrivals, AIR, best.position_m, best.times_s)[0]
    assert {arrivals.detections[index].detection_id for index in chosen} == {item.detection_id for item in direct}


def test_class_evidence_tells_in_the_probability():
    shot, firework = (
        locate(arrivals_from((210, 450), 1.0, probabilities=classes), AIR)[0]
        for classes in (
            {"gunshot": 0.9, "fireworks": 0.05, "background": 0.05},
            {"gunshot": 0.005, "fireworks": 0.945, "background": 0.05},
        )
    )
    assert shot.probability > 0.8
    assert firework.probability < 0.1
    assert locate(arrivals_from((210, 450), 1.0), AIR)[0].probability == pytest.approx(0.5, abs=0.01)


def test_positions_that_contradict_each_other_are_refused():
    detections = arrivals_from((210, 450), 1.0)
    moved = detections[0].model_copy(update={"x_m": 5000.0, "detection_id": "x"})
    with pytest.raises(TocsinError, match="sensor s0 is at places"):
        locate([*detections, moved], AIR)
    geographic = Detection(sensor_id="g", onset_time_utc=START, latitude=40.0, longitude=-80.0)
    with pytest.raises(TocsinError, match=r"two frames \(sensor g differs\)"):
        locate([*detections, geographic], AIR)


def test_a_cluster_out_of_earshot_changes_nothing(rng):
    far = {f"far{name}": (x_m + 7000, y_m - 5000) for name, (x_m, y_m) in SENSORS.items()}
    here = arrivals_from((210, 450), 1.0, rng=rng, sigma_s=0.003)
    there = arrivals_from((7300, -4800), 1.1, far, rng=rng, sigma_s=0.003)
    shots = locate(here + there, AIR)
    assert [set(shot.detections) for shot in shots] == [
        {item.detection_id for item in here},
        {item.detection_id for item in there},
    ]
    assert away(shots[0], (210, 450)) < 5
    assert away(shots[1], (7300, -4800)) < 5


@pytest.mark.parametrize("size_m", [0.5, 60.0, 900.0])
@pytest.mark.parametrize("wind_mps", [0.0, 45.0])
def test_sources_are_sought_round_an_array_of_any_size_in_any_wind(rng, size_m, wind_mps):
    sensors = {f"s{index:02d}": tuple(rng.uniform(0, size_m, 2)) for index in range(12)}
    air = Air(temperature_c=10.0, wind_speed_mps=wind_mps, wind_from_deg=225.0)
    shots = locate(arrivals_from((0.4 * size_m, 0.7 * size_m), 1.0, sensors, air), air)
    assert len(shots) == 1
    assert away(shots[0], (0.4 * size_m, 0.7 * size_m)) < 1.0


def test_arrivals_in_the_reverberation_of_a_found_sound_count_against_other_places_alone():
    direct = arrivals_from((210, 450), 1.0)
    late = [detection("s1", 3.0, snr_db=15.0), detection("s3", 2.1), detection("s5", 8.0)]
    arrivals = arrivals_of(direct + late, site_of(direct))
    found = settle(arrivals, AIR, associate(arrivals, AIR)[0])
    echoes = echoes_of(arrivals, AIR, found)
    named = {arrivals.detections[index].detection_id for index in np.flatnonzero(echoes)}
    assert named == {late[0].detection_id, late[1].detection_id}
    here = found.solution.position_m
    elsewhere = Candidate(here + 200.0, np.array([2.0]), 10.0, np.arange(arrivals.time_s.size))
    assert less_echoes(elsewhere, echoes, [here]).score == pytest.approx(10.0 - 2 * ECHO_COST)
    assert less_echoes(elsewhere, echoes, []) == elsewhere
    assert less_echoes(replace(elsewhere, position_m=here + 5.0), echoes, [here]).score == 10.0


@pytest.mark.parametrize("delay_s", [0.2, 0.5])
def test_a_late_arrival_speaks_for_a_place_by_the_closed_form_and_an_early_one_does_not(delay_s):
    source = np.array([210.0, 450.0])
    scores = []
    for shift_s in (delay_s, -delay_s):
        direct = arrivals_from(source, 5.0)
        moved = direct[5].onset_time_utc + timedelta(seconds=shift_s)
        arrivals = arrivals_of([*direct[:5], direct[5].model_copy(update={"onset_time_utc": moved})], site_of(direct))
        begin = START.timestamp() - arrivals.reference_s
        centre = np.array(site_of(direct).centre_m)
        scores.append(float(shot_scores(arrivals, AIR, source - centre, np.array([5.0 + begin]))[0]))
    hearing = hearing_at_distance(np.hypot(*(source - SENSORS["s5"])))
    density = LATE_SHARE / LATE_S * np.exp(-delay_s / LATE_S)
    gain = np.log1p(hearing / (1 - hearing) * density * arrivals.odds.max() / CLUTTER_PER_S)
    assert scores[0] - scores[1] == pytest.approx(gain, rel=0.02)  # the broad tail adds a little


# From due north three of these sensors agree on a near place with as much evidence.
@pytest.mark.parametrize("bearing_deg", range(45, 360, 45))
def test_a_loud_source_far_outside_is_held_by_all_and_its_distance_is_left_open(rng, bearing_deg):
    sensors = {"s0": (0, 0), "s1": (420, 30), "s2": (410, 390), "s3": (-20, 400), "s4": (200, 610), "s5": (-250, 180)}
    towards = np.array([np.sin(np.radians(bearing_deg)), np.cos(np.radians(bearing_deg))])
    source = np.mean(list(sensors.values()), axis=0) + 1500.0 * towards
    shots = locate(arrivals_from(tuple(source), 0.0, sensors, rng=rng, sigma_s=0.001, snr_db=25), AIR)
    assert [(shot.n_sensors, shot.ambiguous) for shot in shots] == [(6, True)]
    [shot] = shots
    # That way to a degree or two, by an ellipse that points there and is wide enough.
    off = np.array([shot.place.x_m, shot.place.y_m]) - source
    across = np.array([towards[1], -towards[0]])
    assert abs(off @ across) < 60.0
    assert abs(off @ towards) < shot.ellipse_95.semi_major_m < 1000.0
    assert abs((shot.ellipse_95.azimuth_deg - bearing_deg + 90.0) % 180.0 - 90.0) < 5.0
