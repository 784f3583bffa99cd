"""A stream against the whole file, and the picking of events against hand-made traces."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.annotate import Annotator, Trace
from tocsin.inference.classify import annotate, classify_samples
from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import Onset, pick_onsets
from tocsin.inference.pick import pick
from tocsin.inference.stream import EventStream


@pytest.fixture(scope="module")
def model(tiny_onnx):
    return Model(tiny_onnx)


def bangs(sample_rate, seconds, onsets_s, seed=5):
    """Noise with decaying bursts at known times."""
    rng = np.random.default_rng(seed)
    samples = 0.002 * rng.standard_normal(round(seconds * sample_rate))
    for onset_s in onsets_s:
        start = round(onset_s * sample_rate)
        length = min(len(samples) - start, round(0.2 * sample_rate))
        decay = np.exp(-np.arange(length) / (0.01 * sample_rate))
        samples[start : start + length] += 0.5 * decay * rng.standard_normal(length)
    return samples.astype(np.float32)


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40000), min_size=1, max_size=12),
    sample_rate=st.sampled_from([12000, 16000, 22050, 48000]),
)
def test_any_chunks_give_the_events_of_the_file(model, sizes, sample_rate):
    samples = bangs(sample_rate, 3.3, [0.005, 0.9, 1.15, 2.9])
    stream = EventStream(model, sample_rate)
    events, start, turn = [], 0, 0
    while start < len(samples):
        size = sizes[turn % len(sizes)] * max(1, sample_rate // 12000)
        events += stream.push(samples[start : start + size])
        start, turn = start + size, turn + 1
    events += stream.flush()
    whole = detect(samples, sample_rate, model)
    assert events == whole
    assert len(whole) >= 4
    assert abs(whole[0].onset_s - 0.005) < 0.0011


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused_wherever_sound_comes_in(model, bad):
    samples = bangs(24000, 2.0, [1.0])
    samples[26400] = bad
    sentence = r"a sample is NaN or infinite at 1\.100000 s: expected finite numbers"
    for listen in (detect, lambda *sound: classify_samples(model, *sound), lambda *sound: annotate(model, *sound)):
        with pytest.raises(TocsinError, match=sentence):
            listen(samples, 24000)
    stream = EventStream(model, 24000)
    events = stream.push(samples[:24000])
    with pytest.raises(TocsinError, match=sentence):
        stream.push(samples[24000:])
    # Nothing of the refused chunk was taken: the stream goes on as if it had not come.
    good = np.concatenate([samples[:24000], np.nan_to_num(samples[24000:], posinf=0.0, neginf=0.0)])
    assert events + stream.push(good[24000:]) + stream.flush() == detect(good, 24000, model)
    with pytest.raises(TocsinError, match=f"sample 7 of window 1 is {bad}"):
        model.logits(np.where(np.arange(24000).reshape(2, 12000) == 12007, bad, 0.0).astype(np.float32))


def test_several_channels_are_refused(model):
    for listen in (EventStream(model, 12000).push, lambda sound: classify_samples(model, sound, 12000)):
        with pytest.raises(TocsinError, match=r"samples of shape \(12000, 2\): expected one channel"):
            listen(np.zeros((12000, 2), np.float32))


def test_onsets_of_known_bangs(model):
    true_s = [0.5, 1.4, 1.9]
    events = detect(bangs(16000, 3.0, true_s), 16000, model)
    for onset_s in true_s:
        nearest = min(events, key=lambda event: abs(event.onset_s - onset_s))
        assert abs(nearest.onset_s - onset_s) < 0.003


def test_events_come_in_order_and_once(model):
    onsets_s = [event.onset_s for event in detect(bangs(12000, 6.0, np.arange(0.3, 5.5, 0.4)), 12000, model)]
    assert onsets_s == sorted(set(onsets_s))


def test_memory_of_a_long_stream_does_not_grow(model):
    stream = EventStream(model, 12000)
    minute = bangs(12000, 60.0, np.arange(1.0, 59.0, 3.0))
    held = []
    for _ in range(3):
        stream.push(minute)
        annotator = stream._annotator
        held.append(sum(map(len, (stream._pending, stream._onsets, annotator._buffer, annotator._computed))))
    assert held[2] <= held[0]


def test_gate_changes_no_event(model):
    for seed in range(4):
        samples = bangs(12000, 5.7, [0.05, 2.0, 2.3, 5.65], seed)
        onsets = pick_onsets(samples, 12000)
        assert len(onsets) >= 3
        # Every window computed, and nothing asked of the annotator that streams have.
        everything = Told(annotate(model, samples, 12000), model.card)
        assert detect(samples, 12000, model) == pick(onsets, everything, model.card.threshold)


class Told:
    """Windows whose probabilities are known, in the place of an annotator; notes which it was asked for."""

    def __init__(self, trace, card):
        self.everything, self.model, self.asked = trace, SimpleNamespace(card=card), []
        self.start_s = trace.start_s
        self.alternate = np.arange(len(trace.start_s)) % 2 == 0

    def trace(self, wanted):
        self.asked.append(np.flatnonzero(wanted).tolist())
        return replace(
            self.everything, start_s=self.start_s[wanted], probabilities=self.everything.probabilities[wanted]
        )


@pytest.fixture
def windows_heard(model, monkeypatch):
    """The windows that the network was given."""
    heard, probabilities = [], Model.probabilities
    monkeypatch.setattr(
        Model, "probabilities", lambda self, windows: heard.append(windows.copy()) or probabilities(self, windows)
    )
    return heard


@pytest.mark.parametrize("sample_rate", [8000, 12000, 44100])
def test_network_hears_nothing_of_quiet_hours(model, windows_heard, sample_rate):
    assert detect(bangs(sample_rate, 60.0, []), sample_rate, model) == []
    assert detect(np.zeros(10 * sample_rate, np.float32), sample_rate, model) == []
    assert windows_heard == []


def test_network_hears_each_window_of_an_onset_once(model, windows_heard):
    onsets_s = [event.onset_s for event in detect(bangs(12000, 60.0, [20.0, 20.2, 40.0]), 12000, model)]
    assert np.round(onsets_s, 2).tolist() == [20.0, 20.2, 40.0]
    # The windows from 19.5 s and 19.75 s hold 20.0 s, those from 19.75 s and 20.0 s hold 20.2 s; two more hold 40.0 s.
    assert len(windows_heard) == 5


@pytest.mark.parametrize("seconds", [0.01, 0.2, 1.0, 1.1, 7.3])
def test_every_moment_is_seen_early_in_some_window(model, seconds):
    trace = annotate(model, bangs(12000, seconds, [0.0]), 12000)
    moments = np.arange(0, seconds, 0.01)
    position = moments[:, None] - trace.start_s
    assert ((position >= 0) & (position <= 0.5)).any(axis=1).all()
    assert np.allclose(np.diff(trace.start_s), 0.25)


def test_annotation_is_the_model_on_that_window(model):
    samples = bangs(12000, 2.0, [0.7])
    trace = annotate(model, samples, 12000)
    index = int(np.flatnonzero(np.isclose(trace.start_s, 0.5))[0])
    np.testing.assert_array_equal(trace.probabilities[index], model.probabilities(samples[None, 6000:18000])[0])


def test_a_shift_by_one_hop_shifts_the_trace(model):
    samples = bangs(12000, 3.0, [1.2])
    later = np.concatenate([np.zeros(3000, np.float32), samples])
    here, there = annotate(model, samples, 12000), annotate(model, later, 12000)
    np.testing.assert_array_equal(here.probabilities[1:8], there.probabilities[2:9])


def test_empty_audio_is_classified_as_silence_is(model):
    assert sum(classify_samples(model, np.zeros(0, np.float32), 12000).values()) == pytest.approx(1)


# At 0.8 s the windows from 0.25 (0.55 in) and 0.5 (0.3 in) hold the onset; 0.75 has it too early, 0.0 too late.
ONSET = Onset(onset_s=0.8, onset_sigma_s=0.001, snr_db=20.0, level_dbfs=-10.0)


def told(*gunshot):
    classes = ("gunshot", "background")
    probabilities = np.stack([gunshot, 1 - np.array(gunshot)], axis=1)
    trace = Trace(classes, np.arange(-0.25, 0.8, 0.25), probabilities, 1.0)
    return Told(trace, SimpleNamespace(classes=classes, window_s=1.0))


def test_pick_takes_the_mean_of_the_windows_that_hold_the_onset():
    windows = told(0.0, 0.2, 0.9, 0.7, 0.1)
    (event,) = pick([ONSET], windows, threshold=0.75)
    assert event.probabilities["gunshot"] == pytest.approx(0.8)
    assert (event.label, event.onset_s, event.snr_db) == ("gunshot", 0.8, 20.0)
    (event,) = pick([ONSET], windows, threshold=0.85)
    assert (event.label, event.confidence) == ("background", pytest.approx(0.2))


def test_pick_asks_no_further_where_the_first_window_is_sure_of_no_gunshot():
    windows = told(0.0, 0.2, 0.008, 0.7, 0.1)
    (event,) = pick([ONSET], windows, threshold=0.3)
    assert event.probabilities["gunshot"] == 0.008
    assert windows.asked == [[2]]
    pick([ONSET], doubtful := told(0.0, 0.2, 0.012, 0.7, 0.1), threshold=0.3)
    assert doubtful.asked == [[2], [2, 3]]


def test_onsets_of_the_same_windows_ask_once_and_are_told_the_same():
    windows = told(0.0, 0.2, 0.9, 0.7, 0.1)
    events = pick([ONSET, replace(ONSET, onset_s=ONSET.onset_s + 0.01)], windows, threshold=0.75)
    assert events[0].probabilities == events[1].probabilities
    assert events[0].probabilities is not events[1].probabilities
    assert windows.asked == [[2], [2, 3]]


def test_every_second_window_stays_so_when_windows_are_forgotten(model):
    annotator = Annotator(model)
    annotator.push(np.zeros(5 * 12000, np.float32))
    odd_s = annotator.start_s[~annotator.alternate]
    annotator.forget(1.3)
    assert set(annotator.start_s[~annotator.alternate]) <= set(odd_s)
    assert not set(annotator.start_s[annotator.alternate]) & set(odd_s)


@pytest.mark.parametrize("rate", [12000, 44100, 48000])
def test_shorter_blocks_give_the_same_events_to_the_last_digits_and_sooner(model, rate):
    rng = np.random.default_rng(7)
    sound = 0.003 * rng.standard_normal(20 * rate)
    for onset_s in np.arange(2.0, 18.0, 1.37):
        count = round(0.03 * rate)
        burst = np.exp(-np.arange(count) / (0.005 * rate)) * rng.standard_normal(count)
        sound[round(onset_s * rate) :][:count] += 0.5 * burst
    events, latest_s = {}, {}
    for block_s in (0.5, 0.1):
        stream = EventStream(model, rate, block_s=block_s)
        events[block_s], late = [], []
        for first in range(0, len(sound), rate // 20):
            news = stream.push(sound[first : first + rate // 20].astype(np.float32))
            events[block_s] += news
            late += [first / rate + 0.05 - event.onset_s for event in news]
        events[block_s] += stream.flush()
        latest_s[block_s] = max(late)
    assert len(events[0.1]) == len(events[0.5]) > 8
    for one, other in zip(events[0.1], events[0.5], strict=True):
        assert one.onset_s == pytest.approx(other.onset_s, abs=1e-4)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-3)
    # A window of 2 s that begins up to 0.2 s before the onset, on a grid of 0.5 s; mending looks 0.4 s ahead.
    assert latest_s[0.1] <= 1.8 + 0.5 + 0.36 + 3 * 0.1
    assert latest_s[0.1] < latest_s[0.5]
