"""What is new is said at once, what repeats is summed up ever more seldom: the log grows as a logarithm."""

import pytest

from tocsin.localization.stream.sayings import FIRST_SUM, Sayings

WHAT = ("row is bad", "rows are bad")


def test_a_sentence_is_said_once_and_its_number_whenever_that_has_doubled():
    said = []
    sayings = Sayings(said.append, WHAT, in_full=5)
    for _ in range(10 * FIRST_SUM):
        sayings.say("again")
    assert said == ["again", *(f"{n * FIRST_SUM} rows are bad so far, the last: again" for n in (1, 2, 4, 8))]


def test_what_others_crowd_out_is_named_in_the_next_sum():
    said = []
    sayings = Sayings(said.append, WHAT, in_full=5)
    for row in range(1, FIRST_SUM + 1):
        sayings.say(f"row {row}")
    assert said == [
        *(f"row {row}" for row in range(1, 6)),
        f"{FIRST_SUM} rows are bad so far, the last: row {FIRST_SUM}",
    ]


@pytest.mark.parametrize(
    ("count", "last"),
    [(1, "1 row is bad"), (5, "5 rows are bad"), (8, "8 rows are bad, of which the first 5 are named above")],
)
def test_the_end_says_how_many_there_were(count, last):
    said = []
    sayings = Sayings(said.append, WHAT, in_full=5)
    sayings.close()
    assert said == []
    for row in range(count):
        sayings.say(f"row {row}")
    sayings.close()
    assert said[-1] == last
