"""The teacher: its time and its words against YAMNet's own, the distance from it against the closed form."""

import numpy as np
import pytest
import soundfile
import torch

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.clips import read_clips
from tocsin.data.manifests import ManifestRow
from tocsin.training.dataset import WindowDataset
from tocsin.training.module import distance_from_teacher
from tocsin.training.sampling import Draw
from tocsin.training.teacher import GRID_S, GRID_START_S, SAMPLE_RATE, TAUGHT, WINDOW, Teacher, teaching, yamnet


class Clock:
    """A stand-in that says when it listened: its scores are the number of the window."""

    def scores(self, path):
        return np.repeat(np.arange(60, dtype=np.float16)[:, None], len(TAUGHT), axis=1)


def test_a_window_is_taught_by_the_teachers_windows_of_the_same_time(tmp_path, rng):
    soundfile.write(tmp_path / "long.wav", rng.uniform(-0.5, 0.5, 6 * 12000), 12000)
    row = ManifestRow(tmp_path / "long.wav", "gunshot", 2.0, 4.0, recording_id="long", onset_s=3.0)
    for window_s in (1, 2):
        data = WindowDataset([row], ("gunshot",), 12000, window_s * 12000, None, Clock())
        data.load(row)
        audio = read_audio(row.path).samples
        for seed in range(20):
            (window,), _, _, (taught,) = data[Draw(0, seed)]
            start = next(at for at in range(len(audio)) if np.array_equal(audio[at : at + 50], window[:50]))
            # The clock's highest window is the last that ends with ours.
            last_s = start / 12000 + window_s - WINDOW / SAMPLE_RATE
            assert taught[0] * GRID_S + GRID_START_S == pytest.approx(last_s, abs=GRID_S / 2 + 1e-6)
            assert len(taught) == len(TAUGHT)


def test_teaching_is_the_highest_of_the_windows_inside_and_never_leaves_the_grid(rng):
    scores = rng.uniform(0, 1, (30, 4)).astype(np.float16)
    assert np.array_equal(teaching(scores, 0.5, 1.0), scores[8])
    assert np.array_equal(teaching(scores, 0.5, 2.0), scores[8:19].max(axis=0))
    assert np.array_equal(teaching(scores, -5.0, 1.0), scores[0])
    assert np.array_equal(teaching(scores, 99.0, 2.0), scores[29])


def test_distance_is_the_entropy_of_the_teacher_where_the_pupil_says_the_same():
    said = torch.tensor([[0.2, 0.9], [float("nan")] * 2])
    entropy = -(said[0] * said[0].log() + (1 - said[0]) * (1 - said[0]).log()).sum()
    logits = torch.logit(torch.tensor([[0.2, 0.9], [0.5, 0.5]])).requires_grad_()
    distance = distance_from_teacher(logits, said)
    assert distance.item() == pytest.approx(entropy.item() / 2, rel=1e-5)
    distance.backward()
    # The pupil that agrees is left alone, and so is the window that nobody taught.
    assert logits.grad.abs().max() < 1e-6


def test_no_voice_is_taught():
    # AudioSet's 0 to 46 are voices (0 is speech) and 63 to 66 crowds of them; 421 is gunshot, 426 fireworks.
    assert not set(TAUGHT) & {*range(47), *range(63, 67)}
    assert {421, 426} <= set(TAUGHT)


def test_a_recording_is_scored_once_and_as_yamnet_scores_it(recordings, tmp_path):
    model = recordings / "peers/yamnet.tflite"
    path = next(row.path for row in read_clips(recordings / "clips") if row.class_name == "gunshot")
    teacher = Teacher(model, tmp_path)
    first = teacher.scores(path)
    (kept,) = tmp_path.iterdir()
    samples, listen = read_audio(path, SAMPLE_RATE).samples, yamnet(model)
    alone = listen(np.pad(samples, (0, WINDOW))[:WINDOW])[TAUGHT]
    assert np.allclose(teaching(first, 0.0, WINDOW / SAMPLE_RATE), alone, atol=1e-3)
    np.save(kept, first + 1)
    assert np.array_equal(teacher.scores(path), first + 1)


def test_what_is_no_teacher_is_refused(tmp_path):
    with pytest.raises(TocsinError, match="does not exist: expected YAMNet"):
        Teacher(tmp_path / "none.tflite", tmp_path)
