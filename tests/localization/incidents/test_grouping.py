"""Incidents and their evidence, against cases worked by hand and limits of the formulas."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.special import expit, logit

from tocsin.inference.detection import Detection
from tocsin.localization.fitting.solve import Ellipse
from tocsin.localization.incidents.evidence import (
    ERRORS_CORRELATE,
    STATED_FOR,
    gunfire_probability,
    rounds_probability,
    weigh_silence,
)
from tocsin.localization.incidents.grouping import Cadence, Status, cadence_of, incident_of, incidents_of, shooters_of
from tocsin.localization.incidents.shot import Place, Shot

START = datetime(2026, 1, 1, tzinfo=UTC)


def heard(sensor, gunshot, fireworks=None, background=0.0):
    probabilities = {"gunshot": gunshot, "fireworks": 1.0 - background - gunshot if fireworks is None else fireworks}
    probabilities["background"] = background
    return Detection(sensor_id=sensor, onset_time_utc=START, x_m=0.0, y_m=0.0, probabilities=probabilities)


def shot(time_s=0.0, x_m=0.0, y_m=0.0, major_m=8.0, minor_m=4.0, azimuth_deg=90.0, **fields):
    given = {"ambiguous": False, "probability": 0.9, "incident_id": "I", "input": "", **fields}
    return Shot(
        shot_id=f"{time_s}-{x_m}-{y_m}",
        discharge_time_utc=START + timedelta(seconds=time_s),
        discharge_sigma_s=0.01,
        place=Place(x_m=x_m, y_m=y_m),
        ellipse_95=Ellipse(major_m, minor_m, azimuth_deg),
        alternatives=(),
        n_sensors=4,
        detections=("a", "b", "c", "d"),
        rejected=(),
        residuals_s={},
        **given,
    )


@pytest.mark.parametrize(
    ("times_s", "cadence"),
    [
        ([0.0], Cadence.single),
        ([0.0, 0.1], Cadence.multiple),
        ([0.0, 0.1, 0.2], Cadence.automatic),  # 600 a minute
        ([0.0, 0.049, 0.098], Cadence.multiple),  # 1,224 a minute: no weapon
        ([0.0, 0.21, 0.42, 0.63], Cadence.multiple),  # 286 a minute
        ([0.0, 0.12, 0.30, 0.41], Cadence.multiple),  # by hand
        ([0.0, 1.3, 2.0, 2.075, 2.15, 2.225], Cadence.automatic),  # single rounds, then a burst of 800 a minute
    ],
)
def test_cadence_of_intervals(times_s, cadence):
    assert cadence_of(np.array(times_s)) is cadence


def test_two_shooters_stand_farther_apart_than_their_ellipses():
    # Along the long axis (east) 8 m at 95 %: sigma 3.27 m, of a difference 4.6 m; 13.8 of chi square is 17.2 m.
    assert len(shooters_of([shot(), shot(1.0, x_m=16.0)])) == 1
    assert len(shooters_of([shot(), shot(1.0, x_m=18.0)])) == 2
    # Across it half as much.
    assert len(shooters_of([shot(), shot(1.0, y_m=8.0)])) == 1
    assert len(shooters_of([shot(), shot(1.0, y_m=9.0)])) == 2
    assert len(shooters_of([shot(), shot(1.0, y_m=9.0, ambiguous=True)])) == 1


def test_one_place_heard_anew_each_round_is_one_shooter(rng):
    several = 0
    for _ in range(200):
        places = rng.normal(0.0, [8.0, 4.0] / np.sqrt(5.991), (2, 2))
        several += len(shooters_of([shot(i, x_m=x, y_m=y) for i, (x, y) in enumerate(places)])) > 1
    assert several <= 3  # one in a thousand is expected


def test_rounds_of_two_shooters_are_no_automatic_weapon():
    rounds = [shot(0.1 * i, x_m=40.0 * (i % 2)) for i in range(6)]
    incident = incident_of(rounds)
    assert (incident.rounds, incident.shooters, incident.cadence) == (6, 2, Cadence.multiple)
    assert incident_of([shot(0.1 * i) for i in range(6)]).cadence is Cadence.automatic


def test_an_incident_is_confirmed_by_an_unambiguous_round():
    vague = shot(ambiguous=True, probability=0.99)
    assert incidents_of([vague])[0].status is Status.tentative
    [incident] = incidents_of([vague, shot(1.0, x_m=3.0)])
    assert (incident.status, incident.place.x_m, incident.rounds) == (Status.confirmed, 3.0, 2)


def test_many_sensors_that_err_together_are_worth_at_most_the_inverse_of_their_correlation():
    one = gunfire_probability([heard("s0", 0.7)])
    many = gunfire_probability([heard(f"s{i}", 0.7) for i in range(1000)])
    ratio = logit(0.7) - logit(STATED_FOR)
    assert logit(one) == pytest.approx(ratio)
    assert logit(many) == pytest.approx(ratio / ERRORS_CORRELATE, rel=0.01)


def test_a_sensor_that_states_what_is_true_of_any_sound_leaves_the_odds_as_they_are():
    assert gunfire_probability([heard(f"s{i}", STATED_FOR) for i in range(5)]) == pytest.approx(0.5)


def test_a_sensor_that_heard_little_says_little():
    deaf = heard("s1", 0.001, fireworks=0.009, background=0.99)
    alone = gunfire_probability([heard("s0", 0.7)])
    assert gunfire_probability([heard("s0", 0.7), deaf]) == pytest.approx(alone, abs=0.03)


def test_where_no_classifier_spoke_gunfire_is_even_odds():
    silent = Detection(sensor_id="s", onset_time_utc=START, x_m=0, y_m=0)
    assert gunfire_probability([silent] * 9) == 0.5


def test_rounds_agree_in_log_odds():
    assert rounds_probability([0.8]) == pytest.approx(0.8)
    assert rounds_probability([0.8, 0.8, 0.8]) == pytest.approx(0.8)
    assert rounds_probability([0.9, 0.1]) == pytest.approx(0.5)


def test_silence_of_near_sensors_counts_and_of_far_ones_does_not():
    assert weigh_silence(0.8, 0.9, np.array([])) == pytest.approx(0.8)
    assert weigh_silence(0.8, 0.9, np.full(50, 1e-6)) == pytest.approx(0.8, abs=1e-3)
    # One near sensor: its likelihood ratio is 0.05, tempered as the evidence of the association is.
    expected = 0.9 * expit(logit(0.8 / 0.9) + np.log(0.05) / 3.0)
    assert weigh_silence(0.8, 0.9, np.array([0.95])) == pytest.approx(expected)
