"""Hard-negative mining against a network whose mistakes are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.training.dataset import WindowDataset
from tocsin.training.hard_negatives import HardNegatives

LOUD = 0.5


class TakesLoudForGunshot(torch.nn.Module):
    """Stands in for the network: sure of a gunshot where the window is loud, sure of background elsewhere."""

    device = torch.device("cpu")

    def forward(self, windows):
        loud = windows.abs().amax(1) > LOUD / 2
        logits = torch.zeros(len(windows), len(CLASSES))
        logits[:, CLASSES.index("gunshot")] = torch.where(loud, 50.0, -50.0)
        return logits


@pytest.fixture
def part(tmp_path, rng):
    rows = []
    for number, (label, level) in enumerate([("gunshot", LOUD), ("impulse", LOUD), ("background", 0.01)]):
        path = tmp_path / f"{label}.wav"
        soundfile.write(path, rng.uniform(-level, level, 36000), 12000)
        rows.append(ManifestRow(path, label, 0.0, 3.0, recording_id=str(number)))
    data = WindowDataset(rows, CLASSES, 12000, 12000)
    for row in rows:
        data.load(row)
    return data


def test_only_what_is_wrongly_called_a_gunshot_is_favoured(part):
    factors = HardNegatives(every_epochs=5, strength=4.0, windows=1)._listen(part, TakesLoudForGunshot(), epoch=5)
    assert np.allclose(factors, [1.0, 5.0, 1.0])


def test_the_factors_survive_a_checkpoint(part):
    first, second = (HardNegatives(every_epochs=5, strength=4.0, windows=1) for _ in range(2))
    first.factors = np.array([1.0, 3.0])
    second.load_state_dict(first.state_dict())
    favoured = []
    trainer = SimpleNamespace(current_epoch=6, datamodule=SimpleNamespace(favour=favoured.append))
    second.on_train_epoch_start(trainer, TakesLoudForGunshot())
    assert np.array_equal(favoured[0], [1.0, 3.0])
