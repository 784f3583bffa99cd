"""Augmentation of a batch on the device that trains.

Everything random in an example is drawn by its own generator, so that it is the same in whichever batch and process it
is made: what is cropped, mixed and broken before it gets here, and a row of numbers in 0 … 1, ``chances``, that say
here which changes a window goes through and how strong they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tocsin.training import changes

FILLED = 0.8  # share of the windows whose digital silence is filled
MOST_ECHOES, ECHOES_S = 11, 0.6
MASKS = 4  # two bands of frequency, two of time
NOISE = 1 << 17  # samples of noise that the diffuse tails of echoes are taken from

# How many numbers each choice needs.
CHANCES = {
    "fill": 1, "fill_db": 1,
    "echo": 1, "echo_count": 1, "echo_delay": MOST_ECHOES, "echo_decay": MOST_ECHOES, "echo_sign": MOST_ECHOES,
    "echo_gain": MOST_ECHOES, "tail_db": 1, "tail_decay": 1, "tail_place": 1,
    "mix": 1, "mix_db": 1,
    "spectrum": 1, "tilt": 1, "corner": 1, "order": 1,
    "loud": 1, "level": 1,
    "edges": 1, "ends": 1, "before": 1, "after": 1,
    "mask_width": MASKS, "mask_start": MASKS,
}  # fmt: skip
DRAWN = sum(CHANCES.values())


@dataclass(frozen=True)
class Augmentation:
    """Probabilities and ranges of the changes that a training window goes through; 0 switches one off.

    ``speed`` is how much faster or slower, hence higher or lower, a window is played: another charge, another room.
    ``codec`` windows went through a low-rate codec, ``overlay`` ones hold two sounds of the class. ``defects``, a
    wire's artefacts, come to windows that are no gunshots: they must not make a sound one.
    """

    speed: float = 0.15
    echoes: float = 0.3
    spectrum: float = 0.6
    background: float = 0.6
    snr_db: tuple[float, float] = (3.0, 40.0)
    clipping: float = 0.25
    edges: float = 0.4
    mask_frequency: float = 0.2
    mask_time: float = 0.15
    codec: float = 0.3
    overlay: float = 0.1
    defects: float = 0.05


class Windows(NamedTuple):
    """What the network is trained on.

    ``windows`` are ``(batch, samples)``, ``labels`` ``(batch,)``. ``masks``, ``(batch, 4, 2)``, are start and width, in
    shares of the axis, of two bands of frequency and two of time. ``teaching``, ``(batch, taught classes)``, is the
    teacher's scores: a row of NaN where it was not asked, no columns without a teacher.
    """

    windows: Tensor
    labels: Tensor
    masks: Tensor
    teaching: Tensor


class RawWindows(NamedTuple):
    """Windows to augment.

    ``crops``, ``(batch, m)``, are long enough to be played at ``speeds``, ``(batch,)``; ``onsets``, ``(batch,)``, are
    indices at the speed, −1 where there is none. ``beds``, ``(batch, samples)``, are background to mix. The windows
    ``broken``, ``(k,)``, get the artefacts ``source`` and ``added``, ``(k, samples)``.
    """

    crops: Tensor
    labels: Tensor
    teaching: Tensor
    speeds: Tensor
    onsets: Tensor
    beds: Tensor
    chances: Tensor
    broken: Tensor
    source: Tensor
    added: Tensor


class BatchAugmentation(nn.Module):
    """From :class:`RawWindows` to :class:`Windows`; what comes and how strong it is stands in ``chances`` alone.

    Args:
        augmentation: probabilities and ranges.
        sample_rate: Hz.
        window_samples: of a window.
    """

    noise: Tensor

    def __init__(self, augmentation: Augmentation, sample_rate: int, window_samples: int) -> None:
        super().__init__()
        self.augmentation, self.sample_rate, self.window = augmentation, sample_rate, window_samples
        noise = np.random.default_rng(0).standard_normal(NOISE, np.float32)
        self.register_buffer("noise", torch.from_numpy(noise), persistent=False)

    @torch.no_grad()
    def forward(self, raw: RawWindows) -> Windows:
        """Play, fill, echo, mix, filter, set the level, break and cut the windows."""
        chances = dict(zip(CHANCES, raw.chances.split(list(CHANCES.values()), dim=1), strict=True))
        one = {name: chance.squeeze(1) for name, chance in chances.items() if CHANCES[name] == 1}
        augmentation, rate = self.augmentation, self.sample_rate

        def between(name: str, low: float, high: float, rows: Tensor) -> Tensor:
            return low + (high - low) * one[name][rows]

        windows = changes.played(raw.crops, raw.speeds, self.window)
        _change(
            windows,
            (one["fill"] < FILLED) & changes.hold_digital_silence(windows),
            lambda few, rows: changes.fill_digital_silence(
                few, raw.beds.index_select(0, rows), between("fill_db", 20, 60, rows), rate
            ),
        )
        _change(
            windows,
            one["echo"] < augmentation.echoes,
            lambda few, rows: changes.convolve(few, self._street({name: c[rows] for name, c in chances.items()})),
        )
        _change(
            windows,
            one["mix"] < augmentation.background,
            lambda few, rows: changes.mix(
                few, raw.beds.index_select(0, rows), between("mix_db", *augmentation.snr_db, rows), rate
            ),
        )
        _change(
            windows,
            one["spectrum"] < augmentation.spectrum,
            lambda few, rows: changes.reshape_spectrum(
                few,
                between("tilt", -3, 3, rows),
                1200 * 5 ** one["corner"][rows],
                1 + (3 * one["order"][rows]).floor(),
                rate,
            ),
        )
        level = torch.where(one["loud"] < augmentation.clipping, 18 * one["level"], 45 * one["level"] - 45)
        changes.gain_and_clip(windows, level)
        if len(raw.broken):
            windows[raw.broken] = changes.rearrange(windows[raw.broken], raw.source, raw.added)
        _change(
            windows,
            one["edges"] < augmentation.edges,
            lambda few, rows: changes.cut(
                few, *self._ends(raw.onsets[rows], *(one[name][rows] for name in ("ends", "before", "after")))
            ),
        )
        return Windows(windows, raw.labels, self._masks(chances["mask_width"], chances["mask_start"]), raw.teaching)

    def _street(self, chance: dict[str, Tensor]) -> Tensor:
        """Impulse responses ``(batch, m)``: 1 to 11 echoes, 5 to 500 ms late, and a diffuse tail, all falling."""
        count = round(ECHOES_S * self.sample_rate)
        time_s = torch.arange(count, device=self.noise.device) / self.sample_rate
        first = (chance["tail_place"] * (NOISE - count)).long()
        noise = self.noise.unfold(0, count, 1).index_select(0, first.squeeze(1))
        tail = noise * torch.exp(-time_s / (0.03 + 0.27 * chance["tail_decay"]))
        responses = 10 ** ((25 * chance["tail_db"] - 50) / 20) * tail
        responses[:, 0] += 1
        delay_s = 0.005 + 0.495 * chance["echo_delay"]
        gain = (0.1 + 0.7 * chance["echo_gain"]) * torch.exp(-delay_s / (0.05 + 0.35 * chance["echo_decay"]))
        gain = torch.where(chance["echo_sign"] < 0.5, -gain, gain)
        heard = torch.arange(MOST_ECHOES, device=gain.device) <= chance["echo_count"] * MOST_ECHOES
        return responses.scatter_add_(1, (delay_s * self.sample_rate).round().long(), gain * heard)

    def _ends(self, onsets: Tensor, ends: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Where a file begins and ends: half begin late, a fifth end early, the others do both.

        An onset and its surroundings, 20 ms before to 200 ms after, are kept; else half of the window is.
        """
        known, half = onsets >= 0, self.window // 2
        earliest_end = torch.where(known, onsets - round(0.02 * self.sample_rate), half).clamp(min=0)
        left = (self.window - torch.where(known, onsets + round(0.2 * self.sample_rate), half)).clamp(min=0)
        first = torch.where((ends < 0.5) | (ends >= 0.7), before * earliest_end, 0.0).round()
        last = self.window - torch.where(ends >= 0.5, after * left, 0.0)
        return first, last.round()

    def _masks(self, width: Tensor, start: Tensor) -> Tensor:
        widest = [self.augmentation.mask_frequency] * 2 + [self.augmentation.mask_time] * 2
        width = width * torch.tensor(widest, device=width.device)
        return torch.stack([start * (1 - width), width], dim=2)


def _change(windows: Tensor, chosen: Tensor, changed: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Change the chosen windows in place; ``changed`` takes them and their rows."""
    rows = chosen.nonzero().squeeze(1)
    if len(rows):
        windows.index_copy_(0, rows, changed(windows.index_select(0, rows), rows))
