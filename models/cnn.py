"""A small depthwise-separable convolutional network on a log-mel spectrogram (after MobileNet, arXiv 1704.04861)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from tocsin.models._norm import SharedBatchNorm2d
from tocsin.models.base import WaveformClassifier
from tocsin.models.front_end import MelFrontEnd
from tocsin.models.registry import register


class DepthwiseSeparable(nn.Sequential):
    """A 3 × 3 convolution a channel, then a 1 × 1 convolution across channels; a norm and a ReLU after each."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_in, 3, stride, padding=1, groups=channels_in, bias=False),
            SharedBatchNorm2d(channels_in),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            SharedBatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )


class TocsinCNN(WaveformClassifier):
    """Raw waveform in, class logits out, mel front end inside.

    Args:
        front_end: waveform ``(batch, samples)`` to log-mel ``(batch, n_mels, frames)``.
        n_mels: mel bands of the front end.
        n_classes: logits a window.
        channels: output channels of the stem and of each block.
        strides: stride of the stem and of each block.
        dropout: share of pooled features dropped in training.
    """

    def __init__(
        self,
        front_end: MelFrontEnd,
        n_mels: int,
        n_classes: int,
        channels: Sequence[int],
        strides: Sequence[int],
        dropout: float = 0.2,
    ) -> None:
        super().__init__(front_end, 2 * channels[-1], n_classes, dropout)
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels[0], 3, strides[0], padding=1, bias=False),
            SharedBatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(
            *(DepthwiseSeparable(*pair, stride) for pair, stride in zip(pairwise(channels), strides[1:], strict=True))
        )
        # One weight a channel and remaining frequency row: a plain mean over frequency would forget which band it was.
        rows = n_mels
        for stride in strides:
            rows = -(-rows // stride)
        self.across_frequency = nn.Conv2d(channels[-1], channels[-1], (rows, 1), groups=channels[-1], bias=False)
        self.head_norm = SharedBatchNorm2d(channels[-1])

    def embed(self, spectrogram: Tensor) -> Tensor:
        """Log-mel ``(batch, n_mels, frames)`` to features ``(batch, 2 * channels[-1])``; training masks it before."""
        maps = self.blocks(self.stem(spectrogram.unsqueeze(1)))
        features = torch.relu(self.head_norm(self.across_frequency(maps))).squeeze(2)
        # A bang is short and its surroundings are long: both the loudest moment and the mean are kept.
        return self.dropout(torch.cat([features.amax(-1), features.mean(-1)], dim=1))


@register
def tocsin_s(n_classes: int, sample_rate: int) -> TocsinCNN:
    """The sensor's model: 40 mel bands, about 50 k parameters."""
    return TocsinCNN(
        MelFrontEnd(sample_rate=sample_rate, n_mels=40),
        n_mels=40,
        n_classes=n_classes,
        channels=(16, 32, 48, 64, 96, 128, 128),
        strides=(2, 1, 2, 1, 2, 1, 1),
    )


@register
def tocsin_m(n_classes: int, sample_rate: int) -> TocsinCNN:
    """For machines with power to spare: twice the channels of ``tocsin_s``, four times its work."""
    return TocsinCNN(
        MelFrontEnd(sample_rate=sample_rate, n_mels=40),
        n_mels=40,
        n_classes=n_classes,
        channels=(32, 64, 96, 128, 192, 256, 256),
        strides=(2, 1, 2, 1, 2, 1, 1),
    )


@register
def tocsin_test(n_classes: int, sample_rate: int) -> TocsinCNN:
    """A tiny model for tests of everything that surrounds a model."""
    return TocsinCNN(
        MelFrontEnd(sample_rate=sample_rate, n_mels=16),
        n_mels=16,
        n_classes=n_classes,
        channels=(4, 8, 8),
        strides=(2, 2, 2),
        dropout=0.0,
    )
