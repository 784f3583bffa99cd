"""A threshold in a card: the same network, another threshold, the evidence beside it; errors in a sentence."""

import json

import numpy as np
import pytest
from bench_logs import random_log

from tocsin import TocsinError
from tocsin.evaluation.bench.card import write_card
from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.operating_point import LeastRecall
from tocsin.inference.model import Model
from tocsin.models.card import shipped_weights


@pytest.fixture
def evaluation():
    return evaluate(random_log(1, recordings=12), bases=[LeastRecall(0.1)])


def test_the_card_has_the_threshold_and_its_evidence_and_the_network_stays(evaluation, tmp_path):
    point, weights = evaluation.points[0][1], shipped_weights("tocsin-s")
    card = write_card(weights, tmp_path / "new" / "mine.onnx", evaluation, point)
    old, new = Model(weights), Model(tmp_path / "new" / "mine.onnx")
    assert new.card == card
    assert card.threshold == point.threshold.value != old.card.threshold
    assert card.threshold_basis.startswith("10 % of sounds found: chosen on 12 recordings of 6 sessions")
    evidence = json.loads((tmp_path / "new" / "mine.json").read_text())["results"]["operating_point"]
    assert evidence["recall"]["value"] == point.recall.value
    assert evidence["false_alarms"] == point.alarms
    assert {**card.results, "operating_point": None} == {**old.card.results, "operating_point": None}
    window = np.random.default_rng(2).normal(0, 0.1, (1, old.card.window_samples)).astype(np.float32)
    assert np.array_equal(old.logits(window), new.logits(window))


@pytest.mark.parametrize(("name", "said"), [("mine.json", "ends in .onnx"), ("there/mine.onnx", "cannot be written")])
def test_where_nothing_can_be_written_a_sentence_says_so(evaluation, tmp_path, name, said):
    (tmp_path / "there").write_text("a file where a folder is expected")
    with pytest.raises(TocsinError, match=said):
        write_card(shipped_weights("tocsin-s"), tmp_path / name, evaluation, evaluation.points[0][1])
