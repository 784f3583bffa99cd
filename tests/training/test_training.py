"""Training from its configuration: seeded, resumed, distributed, each against the plain run."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.training.calibration import choose_threshold, fit_gunshot_temperature, fit_temperature
from tocsin.training.module import masked
from tocsin.training.sampling import BalancedSampler, balanced_weights

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "configs/experiment").glob("*.yaml"))


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A folder a class: bangs of noise against hums, six sessions of each."""
    root, rng = tmp_path_factory.mktemp("tree"), np.random.default_rng(11)
    for number in range(24):
        bang = number % 2 == 0
        time = np.arange(12000) / 12000
        decay = np.exp(-np.maximum(time - 0.2, 0) / 0.03) * (time > 0.2)
        sound = decay * rng.standard_normal(12000) if bang else np.sin(2 * np.pi * rng.uniform(150, 900) * time)
        samples = 0.3 * sound + 0.003 * rng.standard_normal(12000)
        folder = root / ("gunshot" if bang else "background") / f"session_{number // 4}"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{number}.wav", samples, 12000)
    return root


def train(folder, tree, *overrides):
    """Run ``tocsin train`` in a process of its own, small enough for a test; returns its result line."""
    words = [
        "module.model=tocsin_test", "name=test", f"hydra.run.dir={folder}", "trainer.max_epochs=2",
        "trainer.enable_progress_bar=false", "trainer.log_every_n_steps=1",
        f"data.sources=[{{kind: folder, path: '{tree}'}}]",
        "data.synthetic={backfire: 0, gunshot: 0, fireworks: 0, impulse: 0, background: 0}",
        "data.folds=3", "data.test_fold=1", "data.validation_folds=2", "data.teacher=null", "module.taught=0",
        "data.examples_per_epoch=128", "data.batch_size=16", "data.workers=0", *overrides,
    ]  # fmt: skip
    command = [sys.executable, "-m", "tocsin.training.train", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def weights(folder):
    content = torch.load(folder / "final.ckpt", weights_only=True)
    return {name: value.double() for name, value in content["state_dict"].items() if value.is_floating_point()}


@pytest.fixture(scope="session")
def plain_run(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    result = train(folder, tree)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_training_learns_the_difference_and_prints_one_result(plain_run):
    folder, result = plain_run
    printed = json.loads(result.stdout)
    assert printed["checkpoint"] == str(folder / "final.ckpt")
    assert printed["test"]["gunshot_auc"] > 0.9
    assert list((folder / "tensorboard").glob("events*"))
    assert (folder / "csv/metrics.csv").read_text().count("\n") > 4
    assert (folder / "configuration/overrides.yaml").is_file()


def test_card_says_what_was_trained_on_and_held_out(plain_run):
    card = json.loads((plain_run[0] / "card.json").read_text())
    assert card["classes"] == list(CLASSES)
    assert sum(sum(line["rows"].values()) for line in card["training_data"]) == 8
    assert not set(card["held_out"]["test"]) & set(card["held_out"]["validation"])
    assert card["trained_sessions"]
    assert not set(card["trained_sessions"]) & {*card["held_out"]["test"], *card["held_out"]["validation"]}
    assert card["parameters"] > 0


def test_the_same_seed_gives_the_same_weights(plain_run, tree, tmp_path):
    assert train(tmp_path, tree).returncode == 0
    again, first = weights(tmp_path), weights(plain_run[0])
    assert all(torch.equal(again[name], first[name]) for name in first)


def test_two_processes_give_the_weights_of_one(plain_run, tree, tmp_path):
    result = train(tmp_path, tree, "trainer.strategy=ddp", "trainer.devices=2")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["test"]["gunshot_auc"] > 0.9
    shared, first = weights(tmp_path), weights(plain_run[0])
    # Sums in another order differ in the last digits, which sixteen steps of AdamW carry on.
    for name in first:
        torch.testing.assert_close(
            shared[name], first[name], rtol=1e-2, atol=5e-3, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_a_resumed_run_gives_the_weights_of_an_unbroken_one(plain_run, tree, tmp_path):
    # Stopped after the first of two epochs: the schedule is laid out for both.
    stop = "{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: train/loss, stopping_threshold: 1e9}"
    assert train(tmp_path, tree, f"+callbacks.stop={stop}").returncode == 0
    stopped = weights(tmp_path)
    result = train(tmp_path, tree, "resume=true")
    assert result.returncode == 0, result.stderr
    resumed, first = weights(tmp_path), weights(plain_run[0])
    assert not torch.equal(stopped["model.classifier.weight"], first["model.classifier.weight"])
    for name in first:
        torch.testing.assert_close(resumed[name], first[name], rtol=1e-6, atol=1e-6)


def test_a_finished_run_is_not_overwritten(plain_run, tree):
    before = (plain_run[0] / "final.ckpt").read_bytes()
    result = train(plain_run[0], tree)
    assert result.returncode == 1
    assert "holds a run already; type resume=true" in result.stderr
    assert "Traceback" not in result.stderr
    assert (plain_run[0] / "final.ckpt").read_bytes() == before


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_instantiates(experiment):
    with initialize_config_module("tocsin.configs", version_base="1.3"):
        config = compose("train", overrides=[f"experiment={experiment}"])
    assert config.name == experiment
    data = instantiate(config.data, _convert_="all")
    assert data.sample_rate == config.card.sample_rate
    instantiate(config.trainer, logger=False, _convert_="all")


def row(label, source, session, number):
    return ManifestRow(
        Path(f"{source}-{session}-{number}"), label, 0.0, 1.0, f"{session}-{number}", source, session_id=session
    )


def test_weights_follow_the_stated_shares():
    rows = [row("gunshot", "a", "a1", i) for i in range(9)] + [row("gunshot", "a", "a2", 0)]
    rows += [row("gunshot", "b", "b1", i) for i in range(50)] + [row("background", "c", "c1", i) for i in range(3)]
    found = balanced_weights(rows, [r.label for r in rows], {"gunshot": 0.6, "background": 0.4, "impulse": 0.5})
    assert found.sum() == pytest.approx(1)
    assert found[-3:].sum() == pytest.approx(0.4)
    # Source a counts 9 + 1 clips, b its 50 as 10; the lone clip of a weighs as much as the nine of the other session.
    assert found[:10].sum() == pytest.approx(found[10:60].sum())
    assert found[:9].sum() == pytest.approx(found[9])


def test_processes_share_out_exactly_the_draws_of_one():
    shares = np.full(20, 1 / 20)
    for epoch in (0, 1):
        samplers = [BalancedSampler(shares, 32, seed=5, rank=rank, processes=2) for rank in (0, 1)]
        alone = BalancedSampler(shares, 32, seed=5)
        for sampler in (*samplers, alone):
            sampler.set_epoch(epoch)
        assert [draw for pair in zip(*samplers, strict=True) for draw in pair] == list(alone)


def test_temperature_recovers_a_known_scale(rng):
    logits = rng.normal(0, 1.5, (20000, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(3, p=p) for p in probabilities])
    assert fit_temperature(logits * 2.5, labels, np.ones(20000)) == pytest.approx(2.5, rel=0.05)


def test_temperature_of_gunshots_is_that_by_which_their_odds_were_scaled(rng):
    logits = rng.normal(0, 2, (20000, 5))
    positive = rng.random(20000) < np.exp(logits[:, 0]) / np.exp(logits).sum(1)
    assert fit_gunshot_temperature(logits * 0.6, positive, np.ones(20000)) == pytest.approx(0.6, rel=0.05)


def test_calibration_counts_weights_as_repeated_windows(rng):
    logits, labels = rng.normal(0, 2, (300, 3)), rng.integers(0, 3, 300)
    times = rng.integers(1, 5, 300)
    repeated, weights = (logits.repeat(times, axis=0), labels.repeat(times)), times.astype(float)
    ones = np.ones(len(repeated[1]))
    assert fit_temperature(logits, labels, weights) == pytest.approx(fit_temperature(*repeated, ones), rel=1e-3)
    assert choose_threshold(logits[:, 0], labels, weights, 0.1) == choose_threshold(
        repeated[0][:, 0], repeated[1], ones, 0.1
    )


def test_threshold_is_reached_by_the_stated_share():
    gunshot = np.concatenate([np.linspace(0, 1, 1001), np.ones(10)])
    labels = np.concatenate([np.full(1001, 4), np.zeros(10)]).astype(int)
    threshold = choose_threshold(gunshot, labels, np.ones(len(labels)), share=0.05)
    assert np.mean(gunshot[:1001] >= threshold) == pytest.approx(0.05, abs=0.002)


def test_equal_scores_stay_below_the_threshold_together():
    gunshot, labels = np.array([0.9] * 50 + [0.0] * 50), np.full(100, 4)
    assert np.mean(gunshot >= choose_threshold(gunshot, labels, np.ones(len(labels)), share=0.01)) == 0
    with pytest.raises(TocsinError, match="nothing but gunshots"):
        choose_threshold(gunshot, np.zeros(100, int), np.ones(100), share=0.01)


def test_masks_hide_their_share_and_nothing_else():
    spectrogram = torch.arange(200.0).reshape(1, 10, 20)
    masks = torch.tensor([[[0.2, 0.3], [0.0, 0.0], [0.5, 0.25], [0.0, 0.0]]])
    hidden = masked(spectrogram, masks) != spectrogram
    expected = torch.zeros(10, 20, dtype=torch.bool)
    expected[2:5] = True
    expected[:, 10:15] = True
    assert torch.equal(hidden[0], expected & (spectrogram[0] != spectrogram.mean()))


STORED = [
    "+data.augmentation={mask_frequency: 0.0, mask_time: 0.0}",
    "callbacks.hard_negatives=null",
    "data.validation_folds=0",
]


def fall_of_loss(folder):
    """The last losses over the first."""
    with (folder / "csv/metrics.csv").open() as table:
        loss = [float(row["train/loss"]) for row in csv.DictReader(table) if row["train/loss"]]
    return np.mean(loss[-10:]) / np.mean(loss[:10])


def test_training_on_stored_windows_learns_and_says_that_nothing_was_validated_on(tree, tmp_path):
    words = [*STORED, f"data.store={{windows: 512, folder: '{tmp_path}/kept'}}", "trainer.max_epochs=10"]
    result = train(tmp_path / "run", tree, *words)
    assert result.returncode == 0, result.stderr
    assert fall_of_loss(tmp_path / "run") < 0.6
    card = json.loads((tmp_path / "run/card.json").read_text())
    assert card["held_out"]["validation"] == []
    assert card["temperature"] == 1
    assert "nothing was validated on" in card["threshold_basis"]


def test_a_network_learns_from_another_but_not_from_one_that_met_what_is_held_out(tree, plain_run, tmp_path):
    teacher = plain_run[0] / "final.ckpt"
    words = [
        *STORED, f"data.store={{windows: 512, folder: '{tmp_path}/kept', teacher: '{teacher}'}}",
        "module.followed=1", "trainer.max_epochs=10",
    ]  # fmt: skip
    result = train(tmp_path / "run", tree, *words)
    assert result.returncode == 0, result.stderr
    # No label was asked: what it learns, the teacher tells it, who is not sure himself.
    assert fall_of_loss(tmp_path / "run") < 0.95
    refused = train(tmp_path / "other", tree, *words, "data.test_fold=0")
    assert refused.returncode == 1
    assert "final.ckpt met the session " in refused.stderr


def test_what_stored_windows_do_not_have_is_refused_in_one_sentence(tree, tmp_path):
    result = train(tmp_path / "run", tree, f"data.store={{windows: 256, folder: '{tmp_path}/kept'}}")
    assert result.returncode == 1
    assert result.stderr.startswith("tocsin: data.store keeps neither a teacher's scores nor masks: type data.store=")
