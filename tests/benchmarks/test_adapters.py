"""The benchmarks' adapters against what they stand for."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tocsin.data.audio import Audio, read_audio
from tocsin.data.public.pittsburgh import labelled_clips, read_live_fire
from tocsin.evaluation.hearing.examples import Example
from tocsin.inference.classify import classify_samples
from tocsin.inference.model import Model

ROOT = Path(__file__).parents[2]


@pytest.fixture
def adapters(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/classification"))
    yield
    for name in ("audioset", "baseline", "features", "mn04", "peer_alarms", "shortcut", "tocsin_onnx", "yamnet"):
        sys.modules.pop(name, None)


def example_of(path: Path, session: str) -> Example:
    duration_s = soundfile.info(path).duration
    return Example("gunshot", "gunshot", "mine", session, session, path, 0.0, duration_s)


def test_tocsin_adapter_answers_as_the_library(adapters, write_carded, tmp_path, rng):
    from tocsin_onnx import TocsinOnnx

    write_carded(tmp_path / "tiny.onnx", held_out={"test": ["unheard"]})
    system = TocsinOnnx([tmp_path / "tiny.onnx"])
    samples = rng.normal(0, 0.1, 2 * system.sample_rate).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, system.sample_rate, subtype="FLOAT")
    expected = classify_samples(Model(tmp_path / "tiny.onnx"), samples, system.sample_rate)
    assert system.scores(example_of(tmp_path / "noise.wav", "unheard")) == expected
    assert system.annotate(samples)[:, 0].max() == expected["gunshot"]


def test_yamnet_adapter_knows_a_shot_from_rain(adapters, recordings):
    from yamnet import Yamnet

    yamnet = Yamnet(recordings / "peers/yamnet.tflite")
    families = {}
    for label in ("gunshot", "rain"):
        path = sorted((recordings / "clips/audio" / label).glob("*.flac"))[0]
        families[label] = yamnet.scores(example_of(path, "any"))
    name = next(iter(families["gunshot"]))
    assert families["gunshot"][name] > families["rain"][name]


def test_yamnet_windows_lie_on_its_hop_and_end_with_the_waveform(adapters, recordings, rng):
    from yamnet import HOP, SAMPLE_RATE, WINDOW, Yamnet

    yamnet = Yamnet(recordings / "peers/yamnet.tflite")
    samples = rng.normal(0, 0.1, 3 * HOP + WINDOW - 100).astype(np.float32)
    middle_s, scores = yamnet.listen(Audio(samples, SAMPLE_RATE))
    starts = np.array([0, HOP, 2 * HOP, len(samples) - WINDOW])
    assert middle_s * SAMPLE_RATE - WINDOW / 2 == pytest.approx(starts)
    assert scores.shape == (4, len(yamnet.detectors))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_windows_end_with_the_waveform_and_a_short_one_is_mirrored(adapters):
    from audioset import windows_of

    samples = np.arange(10, dtype=np.float32)
    starts, windows = windows_of(samples, 4, 3)
    assert starts.tolist() == [0, 3, 6]
    assert windows.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert windows_of(samples, 4, 4)[0].tolist() == [0, 4, 6]
    assert windows_of(samples[:3], 4, 3)[1].tolist() == [[0, 1, 2, 1]]


def test_mn04_has_its_classes_where_its_uses_look_for_them(adapters, recordings, trunk_file):
    from mn04 import Mn04

    mn04 = Mn04(trunk_file)
    clips = {"gunshot": "urbansound8k", "fireworks": "esc50", "rain": "esc50"}
    highest = {}
    for label, source in clips.items():
        paths = sorted((recordings / "clips/audio" / label).glob(f"{source}*"))[:10]
        highest[label] = np.mean([mn04.listen(read_audio(path))[1].max(axis=0) for path in paths], axis=0)
    family, without_fireworks, explosive = range(3)
    assert highest["gunshot"][family] > 5 * highest["rain"][family]
    assert highest["gunshot"][without_fireworks] > 0.5 > highest["fireworks"][without_fireworks]
    assert highest["fireworks"][explosive] > 0.5 > highest["rain"][explosive]


class Grid:
    """A rival of windows of a second every half second, to which all is gunfire in one use and nothing in another."""

    name, detectors, window_s = "grid", ("all", "nothing"), 1.0

    def listen(self, audio):
        middle_s = np.arange(0.5, audio.duration_s - 0.5, 0.5)
        return middle_s, np.stack([np.ones(len(middle_s)), np.zeros(len(middle_s))], axis=1)


def test_rival_finds_what_its_windows_hold_and_alarms_by_windows_without_a_shot(adapters, recordings):
    from peer_alarms import heard_by

    (test,) = read_live_fire(recordings / "live-fire/pittsburgh-2018/FP8/test_073")[:1]
    everything, nothing = heard_by(Grid(), test)
    rows = list(labelled_clips([test]))
    assert [shot.probability for shot in everything.shots] == [1.0] * sum(row.onset_s is not None for row in rows)
    assert {shot.probability for shot in nothing.shots} == {0.0}
    quiet = [row for row in rows if row.onset_s is None and row.duration_s >= 1]
    windows = [(row, start_s) for row in quiet for start_s in np.arange(0, 9, 0.5) if row.start_s <= start_s]
    held = [(row, start_s) for row, start_s in windows if start_s + 1 <= row.end_s]
    assert sum(len(stretch.onsets_s) for stretch in everything.stretches) == len(held) > 0
    assert [stretch.duration_s for stretch in everything.stretches] == [row.duration_s for row in quiet]


def test_rival_finds_a_gunshot_clip_by_its_highest_window_and_hears_any_other_as_it_is(adapters, tmp_path, rng):
    from peer_alarms import heard_by

    soundfile.write(tmp_path / "noise.wav", rng.normal(0, 0.1, 36_000), 12_000)
    shot = example_of(tmp_path / "noise.wav", "s")
    (heard, unheard) = heard_by(Grid(), shot)
    assert (heard.shots[0].probability, unheard.shots[0].probability) == (1.0, 0.0)
    (heard, _) = heard_by(Grid(), replace(shot, class_name="background", label="rain"))
    assert (heard.stretches[0].duration_s, heard.stretches[0].onsets_s) == (3, (0.5, 1.0, 1.5, 2.0))


def test_cut_begins_before_the_loudest_moment_and_changes_no_sample(adapters, rng):
    from features import loudest_cut

    samples = rng.normal(0, 0.1, 24_000).astype(np.float32)
    samples[15_000] = 1
    assert np.array_equal(loudest_cut(samples, 0.5, 0.1), samples[13_800:19_800])
    early = loudest_cut(samples[14_990:], 0.5, 0.1)
    assert np.array_equal(early[:1190], np.zeros(1190))
    assert early[1200] == 1


def test_encoded_clips_are_what_they_were_within_the_code(adapters):
    from features import encoded, levelled, low_passed

    seconds = np.arange(12_000) / 12_000
    tones = (np.sin(2 * np.pi * 1000 * seconds) + np.sin(2 * np.pi * 5500 * seconds)).astype(np.float32)
    low = low_passed(tones, 4000)
    assert np.abs(low - np.sin(2 * np.pi * 1000 * seconds))[600:-600].max() < 0.01
    level = levelled(low)
    assert np.abs(level).max() == pytest.approx(0.5, abs=0.005)
    # The quantisation of 8-bit µ-law lies 38 dB below a full-scale tone (ITU-T G.711).
    noise = encoded(level, "WAV", "ULAW") - level
    assert 33 < 10 * np.log10(np.mean(level**2) / np.mean(noise**2)) < 43
    vorbis = encoded(level, "OGG", "VORBIS")
    assert len(vorbis) == len(level)
    assert np.corrcoef(vorbis, level)[0, 1] > 0.99


def test_opus_of_the_ambience_keeps_the_sound_and_its_length_at_its_rate(adapters):
    from features import in_opus

    seconds = np.arange(48_000) / 24_000
    tone = Audio((0.3 * np.sin(2 * np.pi * 700 * seconds)).astype(np.float32), 24_000)
    coded = in_opus(tone)
    assert (coded.sample_rate, len(coded.samples)) == (16_000, 32_000)
    expected = 0.3 * np.sin(2 * np.pi * 700 * np.arange(32_000) / 16_000)
    # Lossy, and nearly right.
    assert 0.99 < np.corrcoef(coded.samples[1000:-1000], expected[1000:-1000])[0, 1] < 0.9999


def test_hand_made_features_do_not_see_the_gain_and_time_a_decay(adapters, rng):
    from features import hand_made

    seconds = np.arange(12_000) / 12_000
    # Noise that falls by 20 dB in 0.2 s from 0.3 s on.
    envelope = np.where(seconds < 0.3, 1e-3, np.maximum(10 ** (-(seconds - 0.3) / 0.2), 1e-3))
    samples = (0.3 * envelope * rng.choice([-1.0, 1.0], 12_000)).astype(np.float32)
    features = hand_made(samples)
    assert features.shape == (36,)
    assert hand_made(samples / 8) == pytest.approx(features, abs=0.02)
    rise_s, fall_10_s, fall_20_s = features[26:29]
    assert (rise_s, fall_10_s, fall_20_s) == (
        pytest.approx(0.005),
        pytest.approx(0.1, abs=0.011),
        pytest.approx(0.2, abs=0.011),
    )


def test_baseline_never_judges_a_session_that_it_met(adapters, tmp_path):
    from baseline import balanced, cross_validated

    class Memory:
        """A model that remembers what it was fitted on, and is sure of it."""

        classes_ = ("gunshot", "rain")

        def fit(self, features, truth, sample_weight):
            self.met = set(features[:, 0])
            return self

        def predict_proba(self, features):
            met = np.array([value in self.met for value in features[:, 0]], dtype=float)
            return np.stack([met, 1 - met], axis=1)

    names = [("gunshot", f"s{number // 2}") for number in range(20)] + [("rain", "unlearnt")]
    examples = [Example(name, name, "x", group, group, tmp_path, 0, 1) for name, group in names]
    folds = {f"s{number}": number % 5 for number in range(10)} | {"unlearnt": 0}
    features = np.array([[float(hash(group))] for _, group in names])
    learnable = np.array([True] * 20 + [False])
    assert cross_validated(Memory, features, examples, learnable, folds).tolist() == [0.0] * 21
    weights = balanced(examples)
    assert weights[:20].sum() == pytest.approx(weights[20])


def test_code_is_told_by_its_mark_and_not_without_one(adapters, tmp_path, rng):
    from shortcut import code_told

    clips = [Example("gunshot", "gunshot", "x", f"s{n // 2}", f"s{n // 2}", tmp_path, 0, 1) for n in range(60)]
    before = rng.normal(0, 1, (60, 4))
    assert code_told(before, before + np.array([6, 0, 0, 0]), clips) > 0.95
    assert code_told(before, before, clips) == pytest.approx(0.5)


def test_source_is_told_by_its_mark_and_not_without_one(adapters, tmp_path, rng):
    from shortcut import source_told, sources_of

    rows = [("a" if number < 30 else "b", f"s{number // 2}") for number in range(60)]
    clips = [Example("impulse", "clap", source, session, session, tmp_path, 0, 1) for source, session in rows]
    assert sources_of(clips, "impulse") == ["a", "b"]
    assert sources_of(clips[:32], "impulse") == ["a"]
    blind = rng.normal(0, 1, (60, 4))
    marked = blind + 6 * np.array([[source == "b", 0, 0, 0] for source, _ in rows])
    assert source_told(marked, clips, "impulse", ["a", "b"]) > 0.95
    assert source_told(blind, clips, "impulse", ["a", "b"]) < 0.8


def test_baseline_is_judged_on_the_folds_of_the_cross_validation(adapters, recordings):
    from baseline import FOLDS, folds_of
    from hydra import compose, initialize_config_module
    from hydra.utils import instantiate

    from tocsin.evaluation.hearing.examples import clip_rows, live_fire_tests

    folds = folds_of(clip_rows(recordings), live_fire_tests(recordings), seed=0)
    assert set(folds.values()) == set(range(FOLDS))
    with initialize_config_module("tocsin.configs", version_base=None):
        words = [f"recordings={recordings}", "experiment=crossvalidation", "data.test_fold=3"]
        parts = instantiate(compose("train", words).data).split_rows()
    tested = {row.group for row in parts["test"] if row.source != "synthesis"}
    assert tested == {session for session, number in folds.items() if number == 3}
