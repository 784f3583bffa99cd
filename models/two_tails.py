"""A network that adapts a pretrained trunk without forgetting what the trunk knew."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tocsin.models.audioset_front_end import AudioSetFrontEnd
from tocsin.models.base import WaveformClassifier
from tocsin.models.mobilenet import MobileNet, hold_norms
from tocsin.models.registry import register

SHARED = 13  # of the trunk's 17 stages: the stem and twelve blocks, four fifths of its work and a sixth of its weights


class MeanOfHeads(nn.Module):
    """Two heads on two embeddings side by side; the mean of their log-probabilities is the answer.

    Args:
        n_features: of each embedding.
        n_hidden: units of each head's hidden layer.
        n_classes: logits a window.
        dropout: share dropped before each layer in training.
    """

    def __init__(self, n_features: int, n_hidden: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(n_features, affine=False, momentum=0.05),
                nn.Dropout(dropout),
                nn.Linear(n_features, n_hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(n_hidden, n_classes),
            )
            for _ in range(2)
        )

    def each(self, features: Tensor) -> list[Tensor]:
        """Log-probabilities ``(batch, n_classes)`` of each head, of ``(batch, 2 * n_features)``."""
        halves = features.chunk(2, dim=1)
        return [functional.log_softmax(head(half), dim=1) for head, half in zip(self.heads, halves, strict=True)]

    def forward(self, features: Tensor) -> Tensor:
        """Their mean, ``(batch, n_classes)``."""
        first, second = self.each(features)
        return (first + second) / 2


class TwoTails(WaveformClassifier):
    """The trunk's early stages, shared and frozen; its late stages twice, frozen and tuned; a head on each.

    What few clips teach a network costs it what two million taught it: tuned as a whole it hears live fire better, and
    takes fireworks for gunshots. The frozen tail cannot forget, and the tuned one is also asked for the tags that the
    frozen one gives to the same window (distillation from itself, after Li and Hoiem, arXiv 1606.09282).

    An embedding is the maximum and the mean over time of the mean over frequency.

    Args:
        n_classes: logits a window.
        sample_rate: Hz.
        n_hidden: units of each head's hidden layer.
        dropout: of the heads.
    """

    def __init__(self, n_classes: int, sample_rate: int, n_hidden: int = 128, dropout: float = 0.3) -> None:
        trunk, tuned = MobileNet(), MobileNet()
        n_features = 2 * trunk.n_channels
        super().__init__(AudioSetFrontEnd(sample_rate), 2 * n_features, n_classes)
        self.shared, self.frozen = trunk.features[:SHARED], trunk.features[SHARED:]
        self.tuned = tuned.features[SHARED:]
        self.tagger = trunk.tagger
        for part in (self.shared, self.frozen, self.tagger):
            part.requires_grad_(False)
        self.classifier: MeanOfHeads = MeanOfHeads(n_features, n_hidden, n_classes, dropout)

    @property
    def n_parameters(self) -> int:
        """Parameters of what is exported: the tagger serves training alone."""
        return super().n_parameters - sum(parameter.numel() for parameter in self.tagger.parameters())

    @property
    def trunk(self) -> dict[str, str]:
        """Its notice goes with all weights that come of it."""
        return {"source": "EfficientAT mn04_as, trained on AudioSet", "licence": "MIT, copyright 2022 Florian Schmid"}

    def take_trunk(self, state: dict[str, Tensor]) -> None:
        """Take EfficientAT's ``mn04``. Raises ``TocsinError`` where the weights are of another network."""
        trunk = MobileNet()
        trunk.load_published(state)
        self.shared.load_state_dict(trunk.features[:SHARED].state_dict())
        for tail in (self.frozen, self.tuned):
            tail.load_state_dict(trunk.features[SHARED:].state_dict())
        self.tagger.load_state_dict(trunk.tagger.state_dict())

    def train(self, mode: bool = True) -> "TwoTails":
        """Training mode: of heads and tuned tail, whose norms keep the statistics of the trunk."""
        super().train(mode)
        for part in (self.shared, self.frozen, self.tagger):
            part.eval()
        hold_norms(self.tuned)
        return self

    def embed(self, spectrogram: Tensor) -> Tensor:
        """``(batch, n_mels, frames)`` to the embeddings of the frozen and of the tuned tail, side by side."""
        with torch.no_grad():
            shared = self.shared(spectrogram.unsqueeze(1))
            frozen = _pooled(self.frozen(shared))
        return torch.cat([frozen, _pooled(self.tuned(shared))], dim=1)

    def slow_parameters(self) -> Iterable[nn.Parameter]:
        """Those of the tuned tail."""
        return self.tuned.parameters()

    def answers(self, features: Tensor) -> Sequence[Tensor]:
        """Of each head: they learn apart, so that their errors differ."""
        return self.classifier.each(features)

    def forgotten(self, features: Tensor) -> Tensor:
        """Binary cross-entropy of the tuned tail's tags against the frozen one's, summed over the tags."""
        frozen, tuned = (half[:, half.shape[1] // 2 :] for half in features.chunk(2, dim=1))
        tags = self.tagger(frozen).sigmoid()
        each = functional.binary_cross_entropy_with_logits(self.tagger(tuned), tags, reduction="none")
        return each.sum(1).mean()


def _pooled(maps: Tensor) -> Tensor:
    """``(batch, channels, height, width)`` to ``(batch, 2 * channels)``, the mean over the map in its second half."""
    rows = maps.mean(2)
    return torch.cat([rows.amax(2), rows.mean(2)], dim=1)


@register
def tocsin_l(n_classes: int, sample_rate: int) -> TwoTails:
    """EfficientAT's ``mn04`` with two tails, 1.1 million parameters: for windows in which something may be a shot."""
    return TwoTails(n_classes, sample_rate)
