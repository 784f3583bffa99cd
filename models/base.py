"""What every model of the registry is: a mel front end, and a network that classifies its spectrograms."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from tocsin.models.audioset_front_end import AudioSetFrontEnd
from tocsin.models.front_end import MelFrontEnd


class WaveformClassifier(nn.Module):
    """Raw waveform in, class logits out, front end inside; a subclass gives :meth:`embed`.

    A subclass that does not learn from nothing, or not all of it alike, says so in the other methods.

    Args:
        front_end: waveform ``(batch, samples)`` to log-mel ``(batch, n_mels, frames)``.
        n_features: length of an embedding.
        n_classes: logits a window.
        dropout: share of the embedding dropped in training.
    """

    def __init__(
        self, front_end: MelFrontEnd | AudioSetFrontEnd, n_features: int, n_classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.front_end = front_end
        self.n_features = n_features
        self.dropout = nn.Dropout(dropout)
        self.classifier: nn.Module = nn.Linear(n_features, n_classes)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, samples)`` in −1 … 1 to logits ``(batch, n_classes)``."""
        logits: Tensor = self.classifier(self.embed(self.front_end(waveform)))
        return logits

    def embed(self, spectrogram: Tensor) -> Tensor:
        """Log-mel ``(batch, n_mels, frames)`` to ``(batch, n_features)``, which a linear layer classifies."""
        raise NotImplementedError(f"{type(self).__name__} must give embed()")

    @property
    def n_parameters(self) -> int:
        """Parameters of what is exported."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def trunk(self) -> dict[str, str]:
        """``source`` and ``licence`` of the pretrained trunk that :meth:`take_trunk` wants; empty without one."""
        return {}

    def take_trunk(self, state: dict[str, Tensor]) -> None:
        """Begin with the published weights of a trunk, a state dict."""
        raise NotImplementedError(f"{type(self).__name__} learns from nothing")

    def slow_parameters(self) -> Iterable[nn.Parameter]:
        """Those that are only tuned, at a lower rate than the rest."""
        return ()

    def answers(self, features: Tensor) -> Sequence[Tensor]:
        """Logits ``(batch, n_classes)`` of each part that learns to answer for itself, of :meth:`embed`'s features."""
        return [self.classifier(features)]

    def forgotten(self, features: Tensor) -> Tensor | None:
        """How far it has come from what its trunk knew, a number, where that can be said."""
        return None
