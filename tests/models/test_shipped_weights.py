"""The weights in the package: their card, their size, and the held-out recordings that they must still tell apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from tocsin.data.audio import read_audio
from tocsin.data.labels import CLASSES
from tocsin.data.public.pittsburgh import labelled_clips, read_live_fire
from tocsin.evaluation.measures.classification import area_under_roc
from tocsin.inference.classify import classify_samples
from tocsin.inference.model import Model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["tocsin-s", "tocsin-m", "tocsin-l"])
def model(request):
    return Model(request.param)


def test_file_and_parameters_are_small(model):
    largest = model.card.name == "tocsin-l"
    assert model.path.stat().st_size <= (4_000_000 if largest else 2_000_000)
    assert model.card.parameters <= (1_200_000 if largest else 300_000)


def test_card_beside_the_file_is_the_card_inside(model):
    assert json.loads(model.path.with_suffix(".json").read_text()) == json.loads(model.card.model_dump_json())


def test_card_tells_origin_licence_and_defects(model):
    card = model.card
    assert card.classes == CLASSES
    assert (ROOT / f"configs/experiment/{card.experiment}.yaml").is_file()
    assert "CC BY-NC" in card.licence
    assert all(line["licence"] or line["source"] == "synthesis" for line in card.training_data)
    assert card.known_defects


def test_validation_and_test_share_no_session(model):
    held = model.card.held_out
    assert {"pittsburgh-2018/FP8", "pittsburgh-2018/FP9"} <= set(held["test"])
    assert not set(held["test"]) & set(held["validation"])


def test_the_weights_that_hear_better_are_the_default():
    assert Model().card.name == "tocsin-l"


def test_live_fire_of_unheard_positions_is_told_from_its_background(recordings, model):
    root = recordings / "live-fire/pittsburgh-2018"
    tests = [test for test in read_live_fire(root) if test.firing_position == "FP9"]
    rows = list(labelled_clips(tests[::2]))
    scores = []
    for row in rows:
        audio = read_audio(row.path, start_s=row.start_s, duration_s=min(row.duration_s, 1.0))
        scores.append(classify_samples(model, audio.samples, audio.sample_rate)["gunshot"])
    positive = np.array([row.class_name == "gunshot" for row in rows])
    assert positive.sum() >= 30
    assert (~positive).sum() >= 30
    assert area_under_roc(np.array(scores), positive) > 0.95


def test_card_may_judge_only_sessions_that_entered_neither_weights_nor_calibration(model):
    silent = model.card.model_copy(update={"trained_sessions": (), "held_out": {"validation": ["b"], "test": ["c"]}})
    assert [silent.may_judge(name) for name in "abcd"] == [False, False, True, False]
    telling = silent.model_copy(update={"trained_sessions": ("a",)})
    assert [telling.may_judge(name) for name in "abcd"] == [False, False, True, True]
