import random

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.sensor.sources.block import Block, SourceLost
from tocsin.inference.sensor.sources.retrying import Retrying

RATE = 8000


def second(arrived_s: float, **more) -> Block:
    return Block(np.zeros((RATE, 1), np.float32), RATE, 1e9 + arrived_s, arrived_s, **more)


class Scripted:
    """A source that does what a list says: each time that it is opened, blocks, and then perhaps an error."""

    name, ends = "roof", False

    def __init__(self, *openings):
        self.openings, self.opened, self.closed = list(openings), 0, 0

    def blocks(self):
        self.opened += 1
        try:
            for each in self.openings.pop(0):
                if isinstance(each, Exception):
                    raise each
                yield each
        finally:
            self.closed += 1


def waits_of(source, seed=0):
    """What comes, what is said, and the waits between two openings, without waiting."""
    waits, said = [], []

    def wait(wait_s: float) -> bool:
        if len(waits) < source.opened:
            waits.append(0.0)
        waits[-1] += wait_s
        return False

    retrying = Retrying(source, said.append, wait, random.Random(seed))
    return retrying, list(retrying.blocks()), said, waits


def test_a_gap_is_told_in_samples_and_said_once():
    lost = SourceLost("roof went away")
    source = Scripted([second(1.0, begins_anew=True), second(2.0), lost], [lost], [lost], [second(12.5), second(13.5)])
    retrying, blocks, said, _waits = waits_of(source)
    heard = [block for block in blocks if len(block.samples)]
    assert [block.arrived_monotonic_s for block in heard] == [1.0, 2.0, 12.5, 13.5]
    # The block that came at 12.5 s began at 11.5 s, 9.5 s after the last one ended.
    assert [(block.begins_anew, block.lost_samples) for block in heard[1:]] == [(False, 0), (True, 76000), (False, 0)]
    assert said == [
        "roof went away; it is tried again until it is back",
        "roof is back; 9.5 s were not heard",
    ]
    assert (retrying.losses, retrying.trouble, source.closed) == (1, None, 4)
    assert all(block.samples.shape in ((0, 1), heard[0].samples.shape) for block in blocks)
    assert sum(len(block.samples) > 0 for block in blocks) == len(heard)


def test_waits_double_to_a_minute_and_chance_takes_up_to_half():
    source = Scripted(*[[SourceLost("away")]] * 12, [second(1.0)])
    _, _, said, waits = waits_of(source)
    most = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert len(waits) == len(most)
    assert all(longest / 2 <= wait <= longest for wait, longest in zip(waits, most, strict=True))
    assert waits != waits_of(Scripted(*[[SourceLost("away")]] * 12, [second(1.0)]), seed=1)[3]
    assert said == ["away; it is tried again until it is back", "roof is back"]


def test_a_source_that_lived_for_a_minute_is_tried_soon_and_one_that_flaps_later_and_later():
    lost = SourceLost("away")
    _, _, _, steady = waits_of(Scripted(*[[second(0.0), second(61.0), lost]] * 4, []))
    assert max(steady) <= 1.0
    _, _, _, flapping = waits_of(Scripted(*[[second(0.0), second(1.0), lost]] * 4, []))
    assert flapping[3] >= 4.0


def test_what_can_never_work_is_not_tried_again():
    source = Scripted([second(1.0), TocsinError("no such coding")], [second(2.0)])
    with pytest.raises(TocsinError, match="no such coding"):
        list(Retrying(source).blocks())
    assert source.opened == 1


def test_a_stop_ends_the_wait():
    source = Scripted([SourceLost("away")], [second(1.0)])
    assert list(Retrying(source, wait=lambda wait_s: True).blocks()) == []
    assert source.opened == 1


def test_of_files_nothing_is_missed_while_their_folder_is_away():
    lost = SourceLost("away")
    _, blocks, _, _ = waits_of(Scripted([second(1.0, began_s=5.0), lost], [second(100.0, began_s=6.0)]))
    assert [block.lost_samples for block in blocks if len(block.samples)] == [0, 0]


def test_closing_it_closes_the_source():
    source = Scripted([second(1.0), second(2.0)])
    blocks = Retrying(source).blocks()
    next(blocks)
    blocks.close()
    assert source.closed == 1


def test_trouble_is_known_while_it_lasts():
    retrying = Retrying(Scripted([SourceLost("away")]), wait=lambda wait_s: False)
    next(retrying.blocks())
    assert (retrying.trouble, retrying.losses) == ("away", 1)
