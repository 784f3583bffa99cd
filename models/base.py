"""What every model of the registry is: a mel front end, and a network that classifies its spectrograms."""

from torch import Tensor, nn

from tocsin.models.front_end import MelFrontEnd


class WaveformClassifier(nn.Module):
    """Raw waveform in, class logits out, front end inside; a subclass gives :meth:`embed`.

    Args:
        front_end: waveform ``(batch, samples)`` to log-mel ``(batch, n_mels, frames)``.
        n_features: length of an embedding.
        n_classes: logits a window.
        dropout: share of the embedding dropped in training.
    """

    def __init__(self, front_end: MelFrontEnd, n_features: int, n_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.front_end = front_end
        self.n_features = n_features
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(n_features, n_classes)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, samples)`` in −1 … 1 to logits ``(batch, n_classes)``."""
        logits: Tensor = self.classifier(self.embed(self.front_end(waveform)))
        return logits

    def embed(self, spectrogram: Tensor) -> Tensor:
        """Log-mel ``(batch, n_mels, frames)`` to ``(batch, n_features)``, which a linear layer classifies."""
        raise NotImplementedError(f"{type(self).__name__} must give embed()")
