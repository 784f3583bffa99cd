"""Working side by side: the order of the items, and an error among them."""

import threading
import time

import pytest

from tocsin.evaluation.judging.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_items_whoever_is_ready_first():
    first_may_end = threading.Event()

    def slowest_first(item):
        if item == 0:
            assert first_may_end.wait(30)
        else:
            first_may_end.set()
        return item * item

    assert side_by_side(slowest_first, range(50), workers=2) == [item * item for item in range(50)]


def test_after_an_error_the_rest_is_not_begun():
    begun = []

    def fail(item):
        begun.append(item)
        if item == 0:
            raise ValueError("no sound")
        time.sleep(0.01)

    with pytest.raises(ValueError, match="no sound"):
        side_by_side(fail, range(1000), workers=1)
    assert len(begun) < 1000
