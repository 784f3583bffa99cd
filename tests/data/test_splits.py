"""Splits that cannot leak: properties that hold for every manifest, and the refusal of those that do not."""

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.data.clips import read_clips
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.pittsburgh import SOURCE, labelled_clips, read_live_fire
from tocsin.data.splits import assert_no_leak, fold_of, group_folds, set_aside


def row(number: int, label: str, session: str, recording: str | None = None) -> ManifestRow:
    return ManifestRow(Path(f"{number}.wav"), label, 0, 1, recording or f"recording-{number}", session_id=session)


@st.composite
def manifests(draw, sessions_of_one_class: bool = False) -> list[ManifestRow]:
    sessions = draw(st.integers(5, 12))
    of_session = list(range(sessions)) + draw(st.lists(st.integers(0, sessions - 1), max_size=60))
    labels = draw(st.lists(st.sampled_from(CLASSES), min_size=len(of_session), max_size=len(of_session)))
    uses = draw(st.lists(st.sampled_from(("train", "evaluate")), min_size=sessions, max_size=sessions))
    return [
        replace(row(i, labels[session] if sessions_of_one_class else label, f"s{session}"), use=uses[session])
        for i, (session, label) in enumerate(zip(of_session, labels, strict=True))
    ]


@settings(max_examples=60, deadline=None)
@given(manifests(), st.integers(2, 5), st.integers(0, 2**31 - 1))
def test_folds_partition_the_rows_share_no_session_and_repeat(rows, n_folds, seed):
    # Five sessions of rain fill every fold, whatever else is drawn.
    rows = [*rows, *(row(i, "rain", f"rain-{i}") for i in range(1000, 1005))]
    folds = group_folds(rows, n_folds, seed)
    assert len(folds) == n_folds
    assert all(folds)
    assert Counter(item.path for fold in folds for item in fold) == Counter(item.path for item in rows)
    for index, fold in enumerate(folds):
        for other in folds[index + 1 :]:
            assert not {item.group for item in fold} & {item.group for item in other}
    assert group_folds(rows, n_folds, seed) == folds


@settings(max_examples=60, deadline=None)
@given(manifests(sessions_of_one_class=True), st.integers(2, 5), st.integers(0, 2**31 - 1))
def test_sessions_of_each_class_and_use_are_spread_evenly(rows, n_folds, seed):
    fold = fold_of([*rows, *(row(i, "rain", f"rain-{i}") for i in range(1000, 1005))], n_folds, seed)
    for kind in {(item.class_name, item.may_train) for item in rows} - {("background", True)}:
        sessions = {item.group for item in rows if (item.class_name, item.may_train) == kind}
        counts = Counter(fold[session] for session in sessions)
        assert max(counts.values()) - min(counts[number] for number in range(n_folds)) <= 1, kind


@settings(max_examples=60, deadline=None)
@given(manifests(), st.randoms(use_true_random=False), st.integers(0, 2**31 - 1))
def test_fold_of_a_session_depends_on_neither_the_order_nor_doubtful_rows_nor_other_classes(rows, random, seed):
    rows = [*rows, *(row(i, "rain", f"rain-{i}") for i in range(1000, 1005))]
    fold = fold_of(rows, 5, seed)
    doubtful = [replace(item, quality="doubtful", session_id=f"{item.group}-effect") for item in rows]
    doubtful += [replace(item, quality="doubtful", label="gunshot") for item in rows]
    shuffled = [*rows, *doubtful]
    random.shuffle(shuffled)
    assert fold_of(shuffled, 5, seed) == fold
    more = fold_of([*rows, row(2000, "traffic", "road")], 5, seed)
    held = {name: {item.class_name for item in rows if item.group == name} for name in fold}
    assert {name for name in fold if fold[name] != more[name]} <= {
        name for name in held if held[name] == {"background"}
    }


def test_doubtful_rows_are_in_no_fold():
    rows = [row(i, "gunshot", f"s{i}") for i in range(4)]
    effect = replace(row(9, "gunshot", "s0"), quality="doubtful")
    assert Counter(item.path for fold in group_folds([*rows, effect], 2) for item in fold) == Counter(
        item.path for item in rows
    )


def test_one_session_in_so_many_of_each_class_is_set_aside_but_no_only_one():
    rows = [row(i, "gunshot", f"g{i}") for i in range(9)] + [row(20 + i, "fireworks", f"f{i}") for i in range(2)]
    rows.append(row(30, "backfire", "b0"))
    aside = set_aside(rows, 8, "0/1")
    assert Counter(name[0] for name in aside) == {"g": 2, "f": 1}
    assert set_aside(rows[::-1], 8, "0/1") == aside
    assert len({frozenset(set_aside(rows, 8, f"0/{fold}")) for fold in range(5)}) > 1


def test_recording_stands_for_the_session_where_none_is_stated():
    rows = [replace(row(i, "gunshot", "", f"r{i // 3}"), onset_s=0.5) for i in range(12)]
    folds = group_folds(rows, 4)
    assert sorted(len(fold) for fold in folds) == [3, 3, 3, 3]
    assert all(len({item.recording_id for item in fold}) == 1 for fold in folds)


def test_long_session_does_not_keep_the_others_of_its_class_out_of_a_fold():
    sessions = ["long"] * 100 + [f"short-{i}" for i in range(9)]
    rows = [row(i, "gunshot", session) for i, session in enumerate(sessions)]
    folds = group_folds(rows, 5)
    assert [len({item.group for item in fold}) for fold in folds] == [2] * 5


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"session_id": "a"}, "session_id 'a'"),
        ({"recording_id": "recording-0"}, "recording_id 'recording-0'"),
        ({"sha256": "abc"}, "sha256 'abc'"),
        ({"path": Path("0.wav")}, r"path '0\.wav'"),
    ],
)
def test_split_that_leaks_is_refused(changes, name):
    train, test = replace(row(0, "gunshot", "a"), sha256="abc"), row(1, "gunshot", "b")
    assert_no_leak([train], [test])
    with pytest.raises(TocsinError, match=f"the split leaks: {name} is in both parts"):
        assert_no_leak([train], [replace(test, **changes)])


def test_empty_session_and_hash_are_no_leak():
    assert_no_leak([row(0, "gunshot", "")], [row(1, "gunshot", "")])


def test_recording_in_two_sessions_is_refused():
    rows = [row(i, "gunshot", f"s{i}", "one-recording") for i in range(4)]
    with pytest.raises(TocsinError, match="the split leaks: recording_id 'one-recording'"):
        group_folds(rows, 2)


def test_too_few_sessions_are_refused():
    with pytest.raises(TocsinError, match="1 sessions cannot fill 3 folds"):
        group_folds([row(i, "gunshot", "one") for i in range(9)], 3)
    with pytest.raises(TocsinError, match="2 folds or more"):
        group_folds([row(i, "gunshot", f"s{i}") for i in range(9)], 1)


def test_recordings_deal_fireworks_gunshots_and_firing_positions_to_every_fold(recordings):
    rows = [
        *read_clips(recordings / "clips"),
        *labelled_clips(read_live_fire(recordings / "live-fire/pittsburgh-2018")),
    ]
    folds = group_folds(rows, 5)
    for name, may_train in itertools.product(("gunshot", "fireworks", "impulse", "background"), (True, False)):
        of_kind = [
            len({item.group for item in fold if (item.class_name, item.may_train) == (name, may_train)})
            for fold in folds
        ]
        assert min(of_kind) >= 1, (name, may_train)
        # Sessions of several classes are dealt with the first: two firing positions in a fold bring their background.
        assert max(of_kind) - min(of_kind) <= 1 + (name == "background"), (name, may_train)
    positions = [len({item.group for item in fold if item.source == SOURCE}) for fold in folds]
    assert sorted(positions) == [1, 1, 1, 1, 2]
    assert sum(len(fold) for fold in folds) == sum(not item.doubtful for item in rows)
