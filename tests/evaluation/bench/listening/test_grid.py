"""Windows and events of a grid: against windows cut in memory, and cases worked by hand."""

import numpy as np
import pytest

from tocsin.evaluation.bench.listening.grid import every_window, peaks, windows_of


@pytest.mark.parametrize("length", [1, 9, 10, 11, 14, 40, 41, 43])
@pytest.mark.parametrize("hop", [3, 4, 10])
def test_windows_of_blocks_are_those_of_the_whole(length, hop):
    wave = np.arange(1, length + 1, dtype=np.float32)
    long = np.pad(wave, (0, max(0, 10 - length)))
    starts = sorted({*range(0, len(long) - 9, hop), len(long) - 10})
    for block in (1, 4, 7, 50):
        blocks = [wave[at : at + block] for at in range(0, length, block)]
        got = list(windows_of(blocks, 10, hop, mirror=False))
        assert [start for start, _ in got] == starts
        for start, window in got:
            assert window.tolist() == long[start : start + 10].tolist()


def test_peaks_of_a_grid_worked_by_hand():
    middle_s = 0.5 + 0.5 * np.arange(12)
    scores = np.array([0, 0, 0.2, 0.9, 0.9, 0.1, 0.3, 0.2, 0.25, 0, 0, 0.4])
    found = [(event.at_s, event.score) for event in peaks(middle_s, scores, 1.0)]
    # A bang in two windows is one event between them; 0.25 is less than a window from nothing higher; 0.4 ends it.
    assert found == [(2.25, 0.9), (3.5, 0.3), (4.5, 0.25), (6.0, 0.4)]


def test_nearer_peaks_are_one_where_windows_overlap_more():
    middle_s = 0.1 * np.arange(30)
    scores = np.full(30, 0.01)
    scores[[5, 8, 25]] = 0.5, 0.7, 0.6
    assert [event.window for event in peaks(middle_s, scores, 1.0) if event.score > 0.1] == [8, 25]


def test_long_plateau_is_an_event_a_window_and_silence_none():
    middle_s = 0.5 + 0.5 * np.arange(20)
    scores = np.zeros(20)
    scores[4:13] = 0.996
    events = peaks(middle_s, scores, 1.0)
    # From 2.5 to 6.5 s: five events, evenly.
    assert [event.at_s for event in events] == pytest.approx([2.9, 3.7, 4.5, 5.3, 6.1])
    assert peaks(middle_s, np.zeros(20), 1.0) == []


def test_every_window_that_says_anything_is_an_event():
    events = every_window(np.array([0.5, 1.0, 1.5]), np.array([0.1, 0.0, 0.3]))
    assert events == [(0.5, 0.1, 0), (1.5, 0.3, 2)]
