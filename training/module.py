"""What one training step does: mask the spectrogram, compare with the label, follow the cosine."""

from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import BinaryAUROC

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.data.public.pretrained import pretrained_path
from tocsin.models import registry
from tocsin.models.card import WeightCard
from tocsin.training.batch_augmentation import Windows
from tocsin.training.stored import StoredWindows
from tocsin.training.teacher import TAUGHT

GUNSHOT = CLASSES.index("gunshot")


class TocsinModule(lightning.LightningModule):
    """A model of the registry in training.

    Args:
        model: name in :mod:`tocsin.models.registry`.
        card: the weight card as far as it is known; it is saved in every checkpoint.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: of AdamW.
        label_smoothing: share of the label given to the other classes.
        taught: weight of what the teacher says against the labels; 0 has no teacher.
        followed: share of the labels' weight that goes to the answers of another network (``data.store.teacher``).
        copied: length of that network's embedding, which a further head copies; 0 for none.
        pretrained: file of the trunk's published weights, for a model that starts from one.
        slowed: share of the learning rate at which what is only tuned learns.
        remembered: weight of what a trunk's own tags say against the labels.

    Raises:
        TocsinError: the model starts from a trunk, and ``pretrained`` is not given or another file.
    """

    def __init__(
        self,
        model: str,
        card: dict[str, Any],
        learning_rate: float,
        weight_decay: float,
        label_smoothing: float,
        taught: float,
        pretrained: str | None = None,
        slowed: float = 1.0,
        remembered: float = 0.0,
        followed: float = 0.0,
        copied: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["card", "pretrained"])
        self.model = registry.create(model, n_classes=len(CLASSES), sample_rate=card["sample_rate"])
        if self.model.trunk:
            if pretrained is None:
                raise TocsinError(f"{model} starts from a pretrained trunk: type module.pretrained=PATH")
            self.model.take_trunk(torch.load(pretrained_path(pretrained), map_location="cpu", weights_only=True))
        # These learn what teachers say from the same features, and are not exported.
        self.pupil = nn.Linear(self.model.n_features, len(TAUGHT)) if taught else None
        self.copier = nn.Linear(self.model.n_features, copied) if copied else None
        self.model.to(memory_format=torch.channels_last)  # halves the time of a step on a CPU
        self.card = WeightCard.model_validate(
            card
            | {
                "classes": CLASSES,
                "model": model,
                "parameters": self.model.n_parameters,
                "front_end": self.model.front_end.parameters_of_card,
            }
        )
        self.gunshot_auc = BinaryAUROC()

    def forward(self, windows: Tensor) -> Tensor:
        """Waveforms ``(batch, window_samples)`` to logits ``(batch, classes)``."""
        logits: Tensor = self.model.classifier(self.model.embed(self.spectrogram(windows)))
        return logits

    def spectrogram(self, windows: Tensor) -> Tensor:
        """Log-mel of windows, in single precision whatever the trainer's: half of it ends above the floor."""
        with torch.autocast(windows.device.type, enabled=False):
            spectrogram: Tensor = self.model.front_end(windows)
        return spectrogram

    def training_step(self, batch: Windows | StoredWindows, index: int) -> Tensor:
        """Cross-entropy of a batch, and its distance from the teacher."""
        if isinstance(batch, StoredWindows):
            features = self.model.finish(*batch.begun)
        else:
            with torch.no_grad():
                spectrogram = masked(self.spectrogram(batch.windows), batch.masks)
            features = self.model.embed(spectrogram)
        labels = batch.labels
        smoothing = self.hparams["label_smoothing"]
        answers = self.model.answers(features)
        loss = torch.stack([functional.cross_entropy(answer, labels, label_smoothing=smoothing) for answer in answers])
        loss = loss.sum()
        if isinstance(batch, StoredWindows):
            share = self.hparams["followed"]
            if share:
                followed = torch.stack([functional.cross_entropy(answer, batch.answers) for answer in answers])
                loss = (1 - share) * loss + share * followed.sum()
            if self.copier is not None:
                loss = loss + functional.mse_loss(self.copier(features), batch.embeddings)
        elif self.pupil is not None:
            loss = loss + self.hparams["taught"] * distance_from_teacher(self.pupil(features), batch.teaching)
        if self.hparams["remembered"]:
            forgotten = self.model.forgotten(features)
            loss = loss if forgotten is None else loss + self.hparams["remembered"] * forgotten
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Windows, index: int) -> None:
        """Loss, accuracy and gunshot AUC of windows as recorded."""
        windows, labels, *_ = batch
        logits = self(windows)
        self.gunshot_auc.update(logits.softmax(1)[:, GUNSHOT], (labels == GUNSHOT).int())
        scores = {
            "validation/loss": functional.cross_entropy(logits, labels),
            "validation/accuracy": (logits.argmax(1) == labels).float().mean(),
            "validation/gunshot_auc": self.gunshot_auc,
        }
        self.log_dict(scores, prog_bar=True, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        """AdamW on a one-cycle schedule, decay on weights but not on norms and biases."""
        slow = {id(parameter) for parameter in self.model.slow_parameters()}
        groups, peaks = [], []
        for tuned, rate in ((False, 1.0), (True, self.hparams["slowed"])):
            learning = [p for p in self.parameters() if p.requires_grad and (id(p) in slow) == tuned]
            for decay, few in (
                (self.hparams["weight_decay"], [p for p in learning if p.ndim > 1]),
                (0.0, [p for p in learning if p.ndim <= 1]),
            ):
                if few:
                    groups.append({"params": few, "weight_decay": decay})
                    peaks.append(rate * self.hparams["learning_rate"])
        optimizer = torch.optim.AdamW(groups, lr=self.hparams["learning_rate"])
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=peaks, total_steps=steps, pct_start=0.15)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the card into the checkpoint: weights never travel without it."""
        checkpoint["tocsin_card"] = self.card.model_dump(mode="json")


def distance_from_teacher(logits: Tensor, teaching: Tensor) -> Tensor:
    """Binary cross-entropy summed over the taught classes, mean over the batch; windows without teaching add nothing.

    Args:
        logits: ``(batch, taught classes)``.
        teaching: the teacher's scores in 0 … 1, same shape; a row of NaN where it was not asked.
    """
    asked = ~teaching.isnan()
    each = functional.binary_cross_entropy_with_logits(logits, torch.where(asked, teaching, 0.0), reduction="none")
    return (each * asked).sum(1).mean()


def masked(spectrogram: Tensor, masks: Tensor) -> Tensor:
    """SpecAugment (arXiv 1904.08779): bands of frequency and time set to the spectrogram's mean.

    Args:
        spectrogram: ``(batch, n_mels, frames)``.
        masks: ``(batch, 4, 2)``: start and width of two bands of frequency, then of two of time, in shares of the axis.
    """
    batch, n_mels, frames = spectrogram.shape
    hidden = torch.zeros_like(spectrogram, dtype=torch.bool)
    for index, (size, shape) in enumerate([(n_mels, (batch, -1, 1))] * 2 + [(frames, (batch, 1, -1))] * 2):
        start, width = masks[:, index, :1], masks[:, index, 1:]
        place = (torch.arange(size, device=masks.device) + 0.5) / size
        hidden |= ((place >= start) & (place < start + width)).reshape(shape)
    return torch.where(hidden, spectrogram.mean(dim=(1, 2), keepdim=True), spectrogram)
