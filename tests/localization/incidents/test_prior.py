"""The prior from sounds nearby, against shares that are known, the isolated sound, and exact limits."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.localization.incidents.test_grouping import heard, shot
from tocsin.inference.detection import Detection
from tocsin.localization.incidents.evidence import EVEN_SHARES, KINDS, gunfire_probability, likelihoods_of_kinds
from tocsin.localization.incidents.prior import NEARBY_M, NEARBY_S, Sound, shares_nearby, sound_of, with_prior

KNOWN = np.array([0.05, 0.85, 0.02, 0.08])


def sound(likelihoods, x_m=0.0, time_s=0.0, weight=1.0):
    return Sound(np.array([x_m, 0.0]), time_s, np.array(likelihoods, dtype=float), weight)


def test_shares_that_sounds_were_drawn_with_are_recovered(rng):
    # A symbol of each kind is told right in 85 of 100: its likelihoods are a column of the confusion.
    confusion = np.full((4, 4), 0.05) + 0.8 * np.eye(4)
    kinds = rng.choice(4, size=800, p=KNOWN)
    symbols = [rng.choice(4, p=confusion[kind]) for kind in kinds]
    places, times_s = rng.uniform(0.0, NEARBY_M, (800, 2)), rng.uniform(0.0, NEARBY_S, 800)
    sounds = [Sound(place, at_s, confusion[:, s], 1.0) for place, at_s, s in zip(places, times_s, symbols, strict=True)]
    assert shares_nearby(sounds).mean(axis=0) == pytest.approx(np.bincount(kinds) / 800, abs=0.04)


def test_a_lone_sound_and_all_rounds_of_one_incident_keep_even_odds():
    alone = [sound([9.0, 1.0, 1.0, 1.0], x_m=3.0 * round_, time_s=round_) for round_ in range(5)]
    assert np.allclose(shares_nearby(alone), EVEN_SHARES)


def test_sounds_far_in_place_or_time_do_not_speak():
    far = [sound([0.01, 5.0, 1.0, 1.0]), sound([1, 1, 1, 1], x_m=1.01 * NEARBY_M)]
    late = [sound([0.01, 5.0, 1.0, 1.0]), sound([1, 1, 1, 1], time_s=1.01 * NEARBY_S)]
    assert np.allclose(shares_nearby(far), EVEN_SHARES)
    assert np.allclose(shares_nearby(late), EVEN_SHARES)


def test_sounds_that_say_nothing_leave_even_odds():
    assert np.allclose(shares_nearby([sound(np.ones(4), x_m=100.0 * i) for i in range(50)]), EVEN_SHARES)


def test_the_more_fireworks_the_less_is_an_unsure_bang_gunfire():
    unsure = sound([1.5, 1.0, 1.0, 1.0])
    fireworks = [sound([0.05, 8.0, 0.1, 0.1], x_m=60.0 * (i % 20 + 1), time_s=40.0 * (i // 20)) for i in range(100)]
    gunfire = [shares_nearby([unsure, *fireworks[:count]])[0, 0] for count in (0, 30, 40, 60, 100)]
    assert gunfire[:2] == [0.5, 0.5]
    assert all(np.diff(gunfire[1:]) < -0.05)


def test_a_lone_shot_keeps_its_probability():
    detections = [heard(f"s{i}", 0.7, fireworks=0.2) for i in range(4)]
    one = shot(probability=0.9 * gunfire_probability(detections))
    [weighed] = with_prior([one], [sound_of(one, detections, np.zeros(2))])
    assert weighed.probability == pytest.approx(one.probability)


@pytest.mark.parametrize("airborne", [False, True])
def test_even_shares_give_the_probability_from_even_odds(airborne):
    detections = [heard("a", 0.3, fireworks=0.6), heard("b", 0.6, fireworks=0.1, background=0.2)]
    kinds = EVEN_SHARES * likelihoods_of_kinds(detections, airborne)
    assert kinds[0] / kinds.sum() == pytest.approx(gunfire_probability(detections, airborne))


def test_a_detection_without_probabilities_weighs_all_kinds_alike():
    silent = Detection(sensor_id="s", onset_time_utc=datetime(2026, 1, 1, tzinfo=UTC), x_m=0, y_m=0)
    assert likelihoods_of_kinds([silent] * 3) == pytest.approx(np.ones(len(KINDS)))
