import os
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor.sources.standard_input import CODINGS, PcmReader, StandardInput


def encoded(samples: np.ndarray, coding: str) -> bytes:
    """By the definition of each coding, one sample after the other."""
    if coding == "f32le":
        return samples.astype("<f4").tobytes()
    width = CODINGS[coding]
    return b"".join(
        round(float(each) * 2 ** (8 * width - 1)).to_bytes(width, "little", signed=True) for each in samples
    )


def piped(data: bytes, chunks: list[int], **stated) -> list:
    """The blocks of what is written into a pipe in chunks of these sizes, and the rest at once."""
    read, write = os.pipe()

    def writing() -> None:
        place = 0
        for size in [*chunks, len(data)]:
            if data[place : place + size]:
                os.write(write, data[place : place + size])
            place += size
        os.close(write)

    thread = threading.Thread(target=writing)
    thread.start()
    try:
        return [block for block in StandardInput(descriptor=read, **stated).blocks() if len(block.samples)]
    finally:
        thread.join()
        os.close(read)


@pytest.mark.parametrize("coding", CODINGS)
def test_samples_come_through_a_pipe_in_odd_pieces(coding, rng):
    samples = np.round(rng.uniform(-1, 1, (3000, 2)) * 2**14) / 2**15
    blocks = piped(
        encoded(samples.ravel(), coding), [1, 2, 3, 5, 7, 11, 1013], sample_rate=8000, channels=2, coding=coding
    )
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), samples.astype(np.float32))
    assert [block.begins_anew for block in blocks] == [True] + [False] * (len(blocks) - 1)
    assert {block.sample_rate for block in blocks} == {8000}


def test_no_block_is_longer_than_half_a_second():
    blocks = piped(bytes(2 * 30000), [], sample_rate=8000)
    assert max(len(block.samples) for block in blocks) <= 4000
    assert sum(len(block.samples) for block in blocks) == 30000


def test_extremes_of_each_coding():
    assert PcmReader("s16le", 1).of(b"\x00\x80\xff\x7f").tolist() == [[-1.0], [32767 / 32768]]
    assert PcmReader("s24le", 1).of(b"\x00\x00\x80\x01\x00\x00").tolist() == [[-1.0], [2.0**-23]]
    assert PcmReader("s32le", 1).of(b"\x00\x00\x00\x80").tolist() == [[-1.0]]
    assert PcmReader("f32le", 1).of(b"\x00\x00\x80\x3f").tolist() == [[1.0]]


def test_floats_that_are_no_sound_are_counted():
    samples = np.array([0.5, np.nan, np.inf, 0.25], "<f4")
    (block,) = piped(samples.tobytes(), [], sample_rate=8000, coding="f32le")
    assert block.samples.ravel().tolist() == [0.5, 0, 0, 0.25]
    assert block.unsound_samples == 2


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=300),
    sizes=st.lists(st.integers(1, 40), max_size=40),
    coding=st.sampled_from(sorted(CODINGS)),
    channels=st.integers(1, 5),
)
def test_pieces_of_any_size_give_what_the_whole_gives(data, sizes, coding, channels):
    whole, pieces = PcmReader(coding, channels), PcmReader(coding, channels)
    got, place = [], 0
    for size in [*sizes, len(data)]:
        got.append(pieces.of(data[place : place + size]))
        place += size
    np.testing.assert_array_equal(np.concatenate(got), whole.of(data))
    assert pieces.rest_bytes == whole.rest_bytes == len(data) % (CODINGS[coding] * channels)


def test_it_gives_empty_blocks_while_nothing_comes():
    read, write = os.pipe()
    blocks = StandardInput(8000, 2, descriptor=read).blocks()
    assert next(blocks).samples.shape == (0, 2)
    os.write(write, bytes(4))
    assert next(blocks).begins_anew
    os.close(write)
    assert list(blocks) == []
    os.close(read)


@pytest.mark.parametrize(("head", "kind"), [(b"RIFF", "WAV"), (b"fLaC", "FLAC"), (b"OggS", "Ogg")])
def test_a_header_is_not_heard_as_samples(head, kind):
    with pytest.raises(TocsinError, match=f"is a {kind} with a header where raw PCM was expected"):
        piped(head + bytes(100), [1, 1], sample_rate=8000)


def test_a_closed_standard_input_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TocsinError, match="standard input is closed"):
        next(StandardInput(8000).blocks())


def test_what_cannot_be_stated():
    with pytest.raises(TocsinError, match='no coding of PCM is called "s8": expected s16le, s24le, s32le, f32le'):
        StandardInput(8000, 1, "s8")
    with pytest.raises(TocsinError, match="standard input has a rate of 0 Hz"):
        StandardInput(0)
