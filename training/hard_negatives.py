"""Hard-negative mining: what the network takes for a gunshot and is none comes more often in the epochs that follow."""

from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray

from tocsin.training.datamodule import TocsinData
from tocsin.training.dataset import WindowDataset
from tocsin.training.module import GUNSHOT
from tocsin.training.sampling import Draw

BATCH = 256


class HardNegatives(lightning.Callback):
    """Raise the weight of a training row by ``1 + strength × P(gunshot)``, if it is no gunshot.

    Args:
        every_epochs: the network listens again at the start of every so many epochs, not at the first.
        strength: how much more often a row comes that is surely taken for a gunshot.
        windows: random windows, as recorded, that it hears of each row; their highest probability counts.
    """

    def __init__(self, every_epochs: int, strength: float, windows: int) -> None:
        self.every_epochs, self.strength, self.windows = every_epochs, strength, windows
        self.factors: NDArray[np.float64] | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen, where it is time; then weigh this epoch's draws."""
        data: TocsinData = trainer.datamodule  # type: ignore[attr-defined]
        epoch = trainer.current_epoch
        if epoch and epoch % self.every_epochs == 0:
            self.factors = self._listen(data.parts["train"], pl_module, epoch)
        if self.factors is not None:
            data.favour(self.factors)

    def _listen(self, part: WindowDataset, module: Any, epoch: int) -> NDArray[np.float64]:
        rows = [index for index, label in enumerate(part.labels) if label != GUNSHOT]
        highest = np.zeros(len(part))
        was_training = module.training
        module.eval()
        with torch.no_grad():
            for turn in range(self.windows):
                for first in range(0, len(rows), BATCH):
                    few = rows[first : first + BATCH]
                    draws = [Draw(row, (epoch * self.windows + turn) * len(part) + row) for row in few]
                    heard = part.as_recorded(draws).windows
                    gunshot = module(heard.to(module.device)).softmax(1)[:, GUNSHOT].cpu().numpy()
                    highest[few] = np.maximum(highest[few], gunshot)
        module.train(was_training)
        return 1.0 + self.strength * highest

    def state_dict(self) -> dict[str, Any]:
        """The factors, so that a resumed run draws as an unbroken one."""
        return {"factors": None if self.factors is None else torch.from_numpy(self.factors)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the factors of the run that is resumed."""
        self.factors = None if state_dict["factors"] is None else state_dict["factors"].numpy()
