"""The ring against a list that forgets nothing, and a look at its memory itself."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import found_in_memory

from tocsin import TocsinError
from tocsin.inference.sensor.privacy.ring import MAX_SECONDS, Ring

RATE = 100
blocks = st.lists(st.integers(0, 75), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 50), st.integers(1, 3), blocks, st.data())
def test_it_gives_what_a_list_of_all_samples_gives(length, channels, sizes, draw):
    ring, everything = Ring(length / RATE, RATE, channels), np.zeros((0, channels), np.float32)
    wiped_at = 0
    for size in sizes:
        if draw.draw(st.integers(0, 9)) == 0:
            ring.wipe()
            wiped_at = len(everything)
        new = np.arange(size * channels, dtype=np.float32).reshape(size, channels) + len(everything) + 1
        ring.write(new)
        everything = np.concatenate([everything, new])
        oldest = max(wiped_at, len(everything) - length)
        assert (ring.begin_sample, ring.end_sample) == (oldest, len(everything))
        start = draw.draw(st.integers(-1, len(everything) + 1))
        stop = draw.draw(st.integers(-1, len(everything) + 1))
        piece = ring.cut(start, stop)
        if oldest <= start <= stop <= len(everything):
            assert np.array_equal(piece, everything[start:stop])
        else:
            assert piece is None
        seconds = draw.draw(st.floats(0, 1))
        n = min(round(seconds * RATE), len(everything) - oldest)
        assert np.array_equal(ring.last(seconds), everything[len(everything) - n :])


@pytest.mark.parametrize("block", [1, 137, 4096, 200_000])
def test_what_was_heard_is_gone_from_its_memory_within_15_s(block):
    rate, marker = 8000, np.float32(0.123456)
    ring = Ring(MAX_SECONDS, rate)
    memory = ring._samples
    ring.write(np.full((rate, 1), marker, np.float32))
    assert np.count_nonzero(memory == marker) == rate
    written = 0
    while written < 14 * rate:  # 15 s after the marker began
        n = min(block, 14 * rate - written)
        ring.write(np.full((n, 1), 0.5, np.float32))
        written += n
    assert ring._samples is memory  # it is the same array: nothing was left behind elsewhere
    assert not np.any(memory == marker)


def test_a_wipe_leaves_zeros_and_nothing_to_ask_for():
    ring = Ring(1.0, RATE)
    ring.write(np.ones((RATE, 1), np.float32))
    ring.wipe()
    assert not ring._samples.any()
    assert ring.last(1.0).shape == (0, 1)
    assert ring.cut(0, RATE) is None
    ring.write(np.ones((5, 1), np.float32))
    assert ring.begin_sample == RATE
    assert ring.last(1.0).shape == (5, 1)


def test_what_it_gives_is_a_copy():
    ring = Ring(1.0, RATE)
    ring.write(np.ones((RATE, 1), np.float32))
    ring.last(1.0)[:] = 7
    assert ring.last(1.0).max() == 1


def test_twelve_seconds_are_the_most_it_can_hold():
    ring = Ring(12.0, 44100, 2)
    assert ring._samples.shape == (12 * 44100, 2)


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "said"),
    [
        (12.001, RATE, 1, "at most 12 s"),
        (1e9, RATE, 1, "at most 12 s"),
        (0, RATE, 1, "above 0"),
        (-1, RATE, 1, "above 0"),
        (float("nan"), RATE, 1, "at most 12 s"),
        (0.001, RATE, 1, "less than one sample"),
        (1, 0, 1, "at 0 Hz"),
        (1, RATE, 0, "0 channels"),
    ],
)
def test_a_memory_that_cannot_be_is_refused_in_a_sentence(seconds, rate, channels, said):
    with pytest.raises(TocsinError, match=said):
        Ring(seconds, rate, channels)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2, 1)])
def test_samples_of_another_shape_are_refused(shape):
    with pytest.raises(TocsinError, match="do not fit"):
        Ring(1, RATE, 2).write(np.zeros(shape, np.float32))


HEARING = """
import sys
import subprocess
import sys

import numpy as np
from tocsin.inference.sensor.privacy.ring import Ring
block = bytearray(4 * 800)
samples = np.frombuffer(block, np.float32)[:, None]
ring = Ring(12.0, 8000)
with open(0, "rb", buffering=0, closefd=False) as source:
    while source.readinto(block) == len(block):
        ring.write(samples)
        print(ring.end_sample, flush=True)
"""


def test_no_memory_of_a_process_that_hears_holds_a_sound_of_15_s_ago(rng):
    """Looked at from outside, all of it: what was heard is there, and after 14 s more it is nowhere."""
    blocks = rng.standard_normal((150, 800)).astype("<f4")
    needles = [block[400:404].tobytes() for block in blocks[::10]]  # 16 bytes of each second

    with subprocess.Popen([sys.executable, "-c", HEARING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def hear(heard):
            for block in heard:
                process.stdin.write(block.tobytes())
                process.stdin.flush()
                process.stdout.readline()

        hear(blocks[:10])
        assert found_in_memory(process.pid, needles) == {0}
        hear(blocks[10:])
        last_twelve_seconds = set(range(3, 15))
        assert found_in_memory(process.pid, needles) == last_twelve_seconds
        process.stdin.close()
