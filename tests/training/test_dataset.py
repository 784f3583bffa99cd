"""Training windows against where their sound is known to lie."""

import dataclasses

import numpy as np
import pytest
import soundfile
import torch

from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.training.batch_augmentation import Augmentation, RawWindows
from tocsin.training.changes import played
from tocsin.training.dataset import EARLIEST, LATEST, WindowDataset
from tocsin.training.sampling import Draw

RATE = 12000
PLAIN = Augmentation(codec=0, overlay=0, defects=0)


@pytest.fixture
def rows(tmp_path):
    """Three seconds of each of two classes, silent until a tone of 1 or 2 kHz sets in at 1.5 s, and a hum."""
    time, made = np.arange(3 * RATE) / RATE, []
    for label, hz, onset_s in [("gunshot", 1000, 1.5), ("fireworks", 2000, 1.5), ("background", 100, None)]:
        path = tmp_path / f"{label}.wav"
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * time) * (time >= (onset_s or 0)), RATE)
        made.append(ManifestRow(path, label, 0.0, 3.0, recording_id=label, onset_s=onset_s))
    return made


def dataset(rows, augment=None):
    data = WindowDataset(rows, CLASSES, RATE, RATE, augment)
    for row in rows:
        data.load(row)
    return data


def level_at(samples, hz):
    """Amplitude of a tone in samples ``(n,)``."""
    return 2 * abs(np.mean(samples * np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)))


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.15])
def test_a_window_played_faster_is_as_long_and_higher_and_its_onset_where_it_is_said(rows, speed):
    data = dataset(rows[:1])
    for seed in range(10):
        samples = np.zeros(int((RATE - 1) * speed) + 2, np.float32)
        crop = data._crop(0, np.random.default_rng(seed), samples, speed)
        window = played(torch.from_numpy(samples)[None], torch.tensor([speed]), RATE)[0].numpy()
        heard = int(np.argmax(np.abs(window) > 0.05))
        assert heard == pytest.approx(crop.onset, abs=12)
        assert EARLIEST * RATE - 1 <= crop.onset <= LATEST * RATE + 1
        assert crop.start_s == pytest.approx(1.5 - crop.onset * speed / RATE, abs=1e-3)
        spectrum = np.abs(np.fft.rfft(window[heard:] * np.hanning(RATE - heard)))
        assert np.argmax(spectrum) * RATE / (RATE - heard) == pytest.approx(1000 * speed, abs=5)


def test_the_same_draw_gives_the_same_window_in_any_batch(rows):
    for augment in (None, Augmentation()):
        data = dataset(rows, augment)
        draws = [Draw(row, seed) for row in range(3) for seed in (3, 4)]
        together, one = data.__getitems__(draws), data[draws[3]]
        count, windows = (7, slice(0, int(RATE * one.speeds.item()))) if augment else (4, slice(None))
        assert torch.equal(together[0][3:4, windows], one[0][:, windows])
        for whole, part in zip(together[1:count], one[1:count], strict=True):
            assert torch.equal(whole[3:4], part)
        assert not torch.equal(together[0][2], together[0][3])


def test_an_overlay_holds_two_sounds_of_the_class_and_no_other(rows):
    two = dataclasses.replace(rows[0], path=rows[1].path, recording_id="second")
    alone, both = (
        dataset([rows[0], two, rows[2]], dataclasses.replace(PLAIN, speed=0.0, overlay=overlay)) for overlay in (0, 1)
    )
    draws = [Draw(0, seed) for seed in range(20)]
    # From where both sounds have set in to the end.
    levels = [[level_at(w[8000:12000], hz) for hz in (1000, 2000)] for w in both.__getitems__(draws).crops.numpy()]
    second = np.array([level / first for first, level in levels])
    assert 0.1 < np.mean(second > 0.1) < 0.9
    assert second.max() <= 10 ** (6 / 20) * 1.1
    assert all(level_at(w[8000:12000], 2000) < 1e-2 for w in alone.__getitems__(draws).crops.numpy())
    assert all(level_at(w[8000:12000], 100) < 1e-2 for w in both.__getitems__(draws).crops.numpy())


def test_defects_come_to_all_but_gunshots(rows):
    data = dataset(rows, dataclasses.replace(PLAIN, defects=1.0))
    raw = data.__getitems__([Draw(row, row) for row in (0, 1, 2, 0)])
    assert isinstance(raw, RawWindows)
    assert raw.broken.tolist() == [1, 2]
    assert raw.source.shape == raw.added.shape == (2, RATE)
    assert dataset(rows, PLAIN).__getitems__([Draw(1, 1)]).source.shape == (0, RATE)


def test_a_codec_is_heard_as_often_as_is_said(rows):
    coded, plain = (dataset(rows, dataclasses.replace(PLAIN, codec=codec, speed=0.0)) for codec in (0.3, 0))
    assert coded._coded.keys() == coded._files.keys()
    assert not plain._coded
    recorded = plain._files[str(rows[0].path)]
    crops = coded.__getitems__([Draw(0, seed) for seed in range(200)]).crops.numpy()[:, :RATE]
    # The tone as recorded never passes its own peak; a codec's does.
    changed = [not np.isin(np.round(crop, 6), np.round(recorded, 6)).all() for crop in crops]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.1)
