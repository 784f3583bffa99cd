"""Augmented batches: each window alone, on any device, and as switched off."""

import dataclasses

import numpy as np
import pytest
import torch

from tocsin.data.artefacts import random_artefact
from tocsin.data.labels import CLASSES
from tocsin.training.batch_augmentation import (
    CHANCES,
    DRAWN,
    MOST_ECHOES,
    Augmentation,
    BatchAugmentation,
    RawWindows,
    Windows,
)
from tocsin.training.module import TocsinModule

RATE, COUNT, BATCH, BROKEN = 12000, 12000, 16, (3, 8)
NOTHING = Augmentation(**{field.name: 0.0 for field in dataclasses.fields(Augmentation)} | {"snr_db": (3.0, 40.0)})


@pytest.fixture
def raw(rng):
    """Noise after silence, half of it with a known onset, two windows broken."""
    crops = rng.normal(0, 0.1, (BATCH, 14000)).astype(np.float32)
    crops[:, :4000] = 0
    artefacts = [random_artefact(COUNT, RATE, rng)[0] for _ in BROKEN]
    arrays = (
        crops,
        rng.integers(0, len(CLASSES), BATCH),
        np.zeros((BATCH, 0), np.float32),
        rng.uniform(0.85, 1.15, BATCH).astype(np.float32),
        np.where(np.arange(BATCH) % 2, 5000, -1),
        rng.normal(0, 0.1, (BATCH, COUNT)).astype(np.float32),
        rng.random((BATCH, DRAWN), np.float32),
        np.array(BROKEN),
        np.stack([artefact.source for artefact in artefacts]),
        np.stack([artefact.added for artefact in artefacts]),
        np.full((BATCH, 3), -1),
    )
    return RawWindows(*map(torch.from_numpy, arrays))


def alone(raw, at):
    """The batch of one window."""
    broken = BROKEN.index(at) if at in BROKEN else len(BROKEN)
    parts = (part[broken : broken + 1] for part in raw[7:10])
    return RawWindows(*(part[at : at + 1] for part in raw[:7]), *parts, raw.parts[at : at + 1])._replace(
        broken=torch.zeros(int(at in BROKEN), dtype=torch.long)
    )


def test_a_window_does_not_depend_on_its_batch(raw):
    augment = BatchAugmentation(Augmentation(), RATE, COUNT)
    together = augment(raw)
    assert together.windows.shape == (BATCH, COUNT)
    assert together.windows.abs().max() <= 1
    for at in range(BATCH):
        by_itself = augment(alone(raw, at))
        torch.testing.assert_close(by_itself.windows[0], together.windows[at], rtol=1e-4, atol=1e-5)
        assert torch.equal(by_itself.masks[0], together.masks[at])


def unbroken(raw):
    """Without artefacts and digital silence."""
    empty = {name: getattr(raw, name)[:0] for name in ("broken", "source", "added")}
    return raw._replace(crops=raw.crops + 1, **empty)


def test_switched_off_only_the_level_is_left(raw):
    given = unbroken(raw)._replace(speeds=torch.ones(BATCH))
    windows, _, masks, _ = BatchAugmentation(NOTHING, RATE, COUNT)(given)
    level, expected = windows.abs().amax(1, keepdim=True), given.crops[:, :COUNT]
    torch.testing.assert_close(windows / level, expected / expected.abs().amax(1, keepdim=True))
    level_dbfs = 20 * level.log10()
    assert ((level_dbfs >= -45.01) & (level_dbfs <= 0.01)).all()
    assert not masks[..., 1].any()


def test_a_street_has_a_direct_sound_some_echoes_and_a_faint_tail(rng):
    augment = BatchAugmentation(Augmentation(), RATE, COUNT)
    chances = torch.from_numpy(rng.random((200, DRAWN), np.float32)).split(list(CHANCES.values()), dim=1)
    # The faintest tail, so that echoes stand out of it.
    chance = dict(zip(CHANCES, chances, strict=True)) | {"tail_db": torch.zeros(200, 1)}
    responses = augment._street(chance).numpy()
    assert np.allclose(responses[:, 0], 1, atol=0.02)
    echoes = np.abs(responses[:, 1:]) > 0.02
    first, last = echoes.nonzero()[1].min() + 1, echoes.nonzero()[1].max() + 1
    assert 0.005 * RATE <= first < last <= 0.5 * RATE
    count = echoes.sum(1)
    assert count.max() <= MOST_ECHOES
    assert set(range(1, 6)) <= set(count.tolist())
    assert np.median(np.abs(responses[:, 1:])) < 10 ** (-50 / 20)


def test_a_cut_keeps_the_onset_or_half_of_the_window(raw, rng):
    augment = BatchAugmentation(dataclasses.replace(NOTHING, edges=1.0), RATE, COUNT)
    ends = set()
    for _ in range(20):
        given = unbroken(raw)._replace(chances=torch.from_numpy(rng.random((BATCH, DRAWN), np.float32)))
        for window, onset in zip(augment(given).windows.numpy(), raw.onsets.tolist(), strict=True):
            (kept,) = np.nonzero(window)
            assert len(kept) == kept[-1] + 1 - kept[0]
            assert kept[0] <= (onset - 240 if onset >= 0 else COUNT // 2)
            assert kept[-1] >= (onset + 2400 if onset >= 0 else COUNT // 2) - 1
            ends.add((bool(kept[0] > 0), bool(kept[-1] < COUNT - 1)))
    assert ends >= {(True, False), (False, True), (True, True)}


@pytest.fixture(scope="session")
def module():
    card = {"name": "t", "version": "0", "sample_rate": RATE, "window_samples": COUNT, "hop_samples": 6000}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = TocsinModule("tocsin_test", card, 0.004, 0.02, 0.05, 0.0)
    made.log = lambda *_, **__: None
    return made


def test_half_precision_leaves_the_spectrogram_whole_and_the_loss_alike(module, raw):
    batch = BatchAugmentation(Augmentation(), RATE, COUNT)(raw)
    module.eval()
    exact, loss = module.spectrogram(batch.windows), module.training_step(batch, 0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module.spectrogram(batch.windows), exact)
        assert module.training_step(batch, 0).item() == pytest.approx(loss.item(), rel=0.03)


def test_a_gpu_augments_and_trains_as_the_processor_does(gpu, module, raw):
    augment = BatchAugmentation(Augmentation(), RATE, COUNT)
    expected = augment(raw)
    found = augment.to(gpu)(RawWindows(*(part.to(gpu) for part in raw)))
    torch.testing.assert_close(found.windows.cpu(), expected.windows, rtol=1e-3, atol=1e-4)
    module.eval()
    loss = module.training_step(expected, 0).item()
    module.to(gpu)
    with torch.autocast("cuda", torch.bfloat16):
        heard = module.training_step(Windows(*(part.to(gpu) for part in found)), 0)
    heard.backward()
    assert heard.item() == pytest.approx(loss, rel=0.05)
    module.cpu()
