"""MobileNetV3 on mel spectrograms, as EfficientAT pretrained it on AudioSet: the trunk that has heard the world.

The blocks are those of MobileNetV3-Large (Howard et al., arXiv 1905.02244, table 1) with every width scaled, one input
channel and squeeze-excitation gated by a sigmoid (Schmid, Koutini and Widmer, arXiv 2211.04772).
"""

import torch
from torch import Tensor, nn

from tocsin import TocsinError

# Kernel, expanded channels, channels out, squeeze-excitation, hard swish (else ReLU), stride.
_BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_STEM, _HIDDEN, _REDUCTION = 16, 1280, 4


class ConvNorm(nn.Sequential):
    """A convolution without bias, its norm, and an activation where one is given."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, groups: int, activation: nn.Module | None
    ) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01),
            *([] if activation is None else [activation]),
        )


class SqueezeExcitation(nn.Module):
    """A gate a channel from the mean over the map (arXiv 1709.01507); the 1 × 1 maps stay maps, which exports well."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _divisible(channels // _REDUCTION)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(batch, channels, height, width)``, gated."""
        gate = torch.sigmoid(self.fc2(torch.relu(self.fc1(maps.mean((2, 3), keepdim=True)))))
        return maps * gate


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, gate, project; added to its input where the shapes agree."""

    def __init__(
        self, channels_in: int, kernel: int, expanded: int, channels_out: int, gated: bool, swish: bool, stride: int
    ) -> None:
        super().__init__()
        activation = nn.Hardswish if swish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels_in:
            layers.append(ConvNorm(channels_in, expanded, 1, 1, 1, activation()))
        layers.append(ConvNorm(expanded, expanded, kernel, stride, expanded, activation()))
        if gated:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, channels_out, 1, 1, 1, None))
        self.block = nn.Sequential(*layers)
        self.adds = stride == 1 and channels_in == channels_out

    def forward(self, maps: Tensor) -> Tensor:
        """``(batch, channels, height, width)`` to the same with this block's channels and stride."""
        result: Tensor = self.block(maps)
        return result + maps if self.adds else result


class MobileNet(nn.Module):
    """The trunk and, for who wants AudioSet's classes, its tag head.

    Args:
        width: of the channels, relative to MobileNetV3-Large; 0.4 is EfficientAT's ``mn04``.
        n_tags: classes of the tag head.
    """

    def __init__(self, width: float = 0.4, n_tags: int = 527) -> None:
        super().__init__()
        channels = _divisible(_STEM * width)
        layers: list[nn.Module] = [ConvNorm(1, channels, 3, 2, 1, nn.Hardswish())]
        for kernel, expanded, out, gated, swish, stride in _BLOCKS:
            wide, narrow = _divisible(expanded * width), _divisible(out * width)
            layers.append(InvertedResidual(channels, kernel, wide, narrow, gated, swish, stride))
            channels = narrow
        self.n_channels = 6 * channels
        layers.append(ConvNorm(channels, self.n_channels, 1, 1, 1, nn.Hardswish()))
        self.features = nn.Sequential(*layers)
        hidden = _divisible(_HIDDEN * width)
        self.tagger = nn.Sequential(nn.Linear(self.n_channels, hidden), nn.Hardswish(), nn.Linear(hidden, n_tags))

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Tag logits ``(batch, n_tags)`` of spectrograms ``(batch, n_mels, frames)`` as EfficientAT normalizes them."""
        logits: Tensor = self.tagger(self.features(spectrogram.unsqueeze(1)).mean((2, 3)))
        return logits

    def load_published(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a published EfficientAT state dict.

        Raises:
            TocsinError: they are of another network.
        """
        own = self.state_dict()
        taken = {}
        for name, value in state.items():
            mine = name.replace("conc_se_layers.0.", "")
            mine = mine.replace("classifier.2.", "tagger.0.").replace("classifier.5.", "tagger.2.")
            taken[mine] = value[..., None, None] if ".fc" in mine and mine.endswith("weight") else value
        if {name: value.shape for name, value in taken.items()} != {name: value.shape for name, value in own.items()}:
            raise TocsinError("these are not the weights of an EfficientAT network of this width with its tag head")
        self.load_state_dict(taken)


def hold_norms(module: nn.Module) -> None:
    """Keep the statistics of all norms of a module as they are, in training too."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()


def _divisible(channels: float, divisor: int = 8) -> int:
    """To the nearest multiple of 8 and not below 90 % (the rule of MobileNetV2, arXiv 1801.04381)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
