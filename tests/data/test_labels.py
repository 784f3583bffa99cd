"""The five classes and the labels that map to them."""

import re
from collections import Counter

import pytest

from tocsin import TocsinError
from tocsin.data.clips import read_clips
from tocsin.data.labels import CLASSES, FINE_LABELS, class_of


def test_classes_are_the_five_in_their_fixed_order():
    # The order is written into every weight card; a change breaks shipped weights.
    assert CLASSES == ("gunshot", "fireworks", "backfire", "impulse", "background")


def test_no_class_can_report_on_voices():
    voice = re.compile("speech|voice|talk|word|scream|shout|yell|conversation|speaker|child|cry|whisper|sing")
    assert not [name for name in CLASSES if voice.search(name)]
    assert {FINE_LABELS[name] for name in FINE_LABELS if voice.search(name)} == {"background"}


def test_every_class_is_a_label_of_itself_and_every_label_has_a_class():
    assert all(class_of(name) == name for name in CLASSES)
    assert set(FINE_LABELS.values()) == set(CLASSES)


def test_unknown_label_is_refused_with_the_nearest_known_one():
    with pytest.raises(TocsinError, match=r"'gunshots' is no class .* did you mean 'gunshot'"):
        class_of("gunshots")
    with pytest.raises(TocsinError, match="use one of the classes gunshot, fireworks"):
        class_of("zzz")


def test_every_fine_label_of_the_recordings_maps(recordings):
    rows = read_clips(recordings / "clips")
    assert len(rows) == 2265
    assert Counter(row.class_name for row in rows) == {
        "gunshot": 311,
        "fireworks": 96,
        "backfire": 3,
        "impulse": 1001,
        "background": 854,
    }
