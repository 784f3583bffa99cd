"""What every model of the registry is: a mel front end, and a network that classifies its spectrograms."""

from torch import Tensor, nn

from tocsin.models.front_end import MelFrontEnd


class WaveformClassifier(nn.Module):
    """Raw waveform in, class logits out, front end inside; a subclass gives :meth:`classify`."""

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__()
        self.front_end = front_end

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, samples)`` in −1 … 1 to logits ``(batch, n_classes)``."""
        return self.classify(self.front_end(waveform))

    def classify(self, spectrogram: Tensor) -> Tensor:
        """Log-mel ``(batch, n_mels, frames)`` to logits ``(batch, n_classes)``; training masks it before."""
        raise NotImplementedError(f"{type(self).__name__} must give classify()")
