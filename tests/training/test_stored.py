"""Stored windows: the same windows made anew, and the splits, as oracles."""

import numpy as np
import pytest
import soundfile
import torch

from tests.models.test_mobilenet import as_published, with_statistics
from tocsin.data.folder import read_folder
from tocsin.data.labels import CLASSES
from tocsin.models import registry
from tocsin.training.batch_augmentation import Augmentation, BatchAugmentation
from tocsin.training.dataset import WindowDataset
from tocsin.training.sampling import BalancedSampler, Draw, balanced_weights
from tocsin.training.stored import Store

RATE, WINDOW, COUNT = 12_000, 24_000, 300
SHARES = {"gunshot": 0.4, "fireworks": 0.1, "background": 0.5}
AUGMENTATION = Augmentation(overlay=0.5, codec=0.5, mask_frequency=0.0, mask_time=0.0)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(3)
    for label, sessions in {"gunshot": 4, "fireworks": 2, "background": 4}.items():
        for session in range(sessions):
            for clip in range(1 + session):
                path = folder / label / f"{label}{session}" / f"{session}-{clip}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, 0.1 * rng.standard_normal(30_000), RATE)
    return read_folder(folder)


def of_trunk(seed):
    model = registry.create("tocsin_l", len(CLASSES), RATE)
    model.take_trunk(as_published(with_statistics(seed)))
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return of_trunk(0)


def store(folder, rows, model):
    source = WindowDataset(rows, CLASSES, RATE, WINDOW, AUGMENTATION)
    return Store(folder, COUNT, source, BatchAugmentation(AUGMENTATION, RATE, WINDOW), SHARES, model)


@pytest.fixture(scope="module")
def kept(tmp_path_factory, rows, model):
    folder = tmp_path_factory.mktemp("store")
    return folder, store(folder, rows, model)


def test_a_stored_window_is_that_of_the_same_draw_made_anew(kept, rows, model):
    source = WindowDataset(rows, CLASSES, RATE, WINDOW, AUGMENTATION)
    draws = list(BalancedSampler(balanced_weights(rows, [row.class_name for row in rows], SHARES), COUNT, seed=0))
    places = [5, 64, 299]
    # Batches of another size, and read in another order.
    windows = BatchAugmentation(AUGMENTATION, RATE, WINDOW)(source.__getitems__([draws[place] for place in places]))
    stored = kept[1].__getitems__([Draw(place, 0) for place in places])
    with torch.no_grad():
        torch.testing.assert_close(
            model.finish(*stored.begun), model.embed(model.front_end(windows.windows)), atol=0.01, rtol=0.01
        )
    assert torch.equal(stored.labels, windows.labels)


def test_no_window_is_drawn_that_holds_anything_of_another_row(kept, rows):
    heard = [row for row in rows if not row.group.endswith("1")]
    weights = kept[1].weights(heard)
    drawn = kept[1].parts[weights > 0]
    assert {rows[part].group for part in drawn.ravel() if part >= 0} == {row.group for row in heard}
    assert (drawn[:, 1] >= 0).any()
    others = kept[1].parts[weights == 0]
    assert all(any(part >= 0 and rows[part].group.endswith("1") for part in parts) for parts in others)


def test_each_row_is_drawn_as_often_as_from_windows_made_anew(kept, rows):
    heard = [row for row in rows if not row.group.endswith("1")]
    drawn = np.bincount(kept[1].parts[:, 0], kept[1].weights(heard), len(rows))
    expected = dict(
        zip(map(id, heard), balanced_weights(heard, [row.class_name for row in heard], SHARES), strict=True)
    )
    np.testing.assert_allclose(drawn, [expected.get(id(row), 0.0) for row in rows])


def test_what_is_kept_is_used_again_and_made_anew_for_another_trunk(kept, rows, model):
    folder, first = kept
    written = {path: path.stat().st_mtime_ns for path in folder.glob("*/*.npy")}
    assert len(written) == 3
    again = store(folder, rows, model)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/*.npy")} == written
    np.testing.assert_array_equal(again.begun[0], first.begun[0])
    assert not np.array_equal(store(folder, rows, of_trunk(1)).begun[0], first.begun[0])


def test_what_is_taught_are_the_answers_to_the_same_windows(kept, rows, tmp_path):
    teacher = registry.create("tocsin_test", len(CLASSES), RATE).eval()
    begun = store(tmp_path, rows, teacher)
    heard = [row for row in rows if not row.group.endswith("1")]
    kept[1].follow(teacher, begun, heard)
    draws = [Draw(place, 0) for place in range(COUNT)]
    batch, of_teacher = kept[1].__getitems__(draws), begun.__getitems__(draws)
    with torch.no_grad():
        features = teacher.finish(*of_teacher.begun)
        torch.testing.assert_close(batch.answers, teacher.classifier(features).softmax(1), atol=1e-3, rtol=1e-2)
    of_heard = features[torch.from_numpy(kept[1].weights(heard) > 0)]
    expected = (features - of_heard.mean(0)) / (of_heard.std(0, correction=0) + 1e-6)
    torch.testing.assert_close(batch.embeddings, expected, atol=0.02, rtol=0.02)
