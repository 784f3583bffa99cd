"""The parts of a training run: properties of the splits of made and of real recordings."""

import csv
from collections import defaultdict
from functools import cache

import pytest
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from tocsin import TocsinError
from tocsin.training import datamodule

COLUMNS = ["path", "label", "source_dataset", "recording_id", "duration_s", "session_id", "quality", "use"]
SESSIONS = {
    ("gunshot", "train"): 12,
    ("gunshot", "evaluate"): 7,
    ("fireworks", "train"): 7,
    ("fireworks", "evaluate"): 6,
    ("door_slam", "train"): 20,
    ("rain", "train"): 30,
    ("rain", "evaluate"): 11,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of clips, two of each session and one more of doubtful label: their names alone matter here."""
    folder = tmp_path_factory.mktemp("made")
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for (label, use), sessions in SESSIONS.items():
            for name in (f"{label}-{use}-{number}" for number in range(sessions)):
                for clip, quality in enumerate(("ok", "unverified", "doubtful")):
                    (folder / f"{name}-{clip}.wav").touch()
                    table.writerow([f"{name}-{clip}.wav", label, "made", name, 1, name, quality, use])
    return folder


def parts_of(*words, recordings="anywhere"):
    """The rows of each part that a run with these words of ``tocsin train`` has."""
    with initialize_config_module("tocsin.configs", version_base=None):
        settings = compose("train", [f"recordings={recordings}", *words])
    return instantiate(settings.data).split_rows()


def made_parts(made, *words):
    silence = "data.synthetic={backfire: 0, gunshot: 0, fireworks: 0, impulse: 0, background: 0}"
    return parts_of(silence, f"data.sources=[{{kind: clips, path: '{made}'}}]", *words)


def sessions_of(rows, class_name=None):
    return {row.group for row in rows if class_name in (None, row.class_name) and row.source != "synthesis"}


def test_every_session_is_tested_on_in_one_fold_and_what_only_judges_is_in_no_other_part(made):
    tested = []
    for fold in range(5):
        parts = made_parts(made, "experiment=crossvalidation", f"data.test_fold={fold}")
        tested += sessions_of(parts["test"])
        assert all(row.may_train for part in ("train", "validation") for row in parts[part])
        assert not any(row.doubtful for part in parts.values() for row in part)
        may_train = {row.group for part in parts.values() for row in part if row.may_train}
        assert len(may_train) == sum(count for (_, use), count in SESSIONS.items() if use == "train")
    assert len(tested) == len(set(tested)) == sum(SESSIONS.values())


def test_without_a_fold_all_that_only_judges_is_tested_on(made):
    parts = made_parts(made)
    judging = {
        f"{label}-{use}-{n}" for (label, use), count in SESSIONS.items() if use == "evaluate" for n in range(count)
    }
    assert sessions_of(parts["test"]) == judging
    assert len(sessions_of(parts["train"]) | sessions_of(parts["validation"])) == sum(SESSIONS.values()) - len(judging)


def test_sessions_named_go_to_their_part_and_leave_the_other_folds_as_they_are(made):
    fold = ["experiment=crossvalidation", "data.test_fold=2"]
    plain = made_parts(made, *fold)
    moved = min(name for name in sessions_of(plain["test"], "gunshot") if "train" in name)
    parts = made_parts(made, *fold, f"+data.sessions.train=[{moved}]")
    assert moved in sessions_of(parts["train"])
    assert sessions_of(parts["test"]) == sessions_of(plain["test"]) - {moved}
    with pytest.raises(TocsinError, match="no recordings of the sessions"):
        made_parts(made, "+data.sessions.test=[nowhere]")


def test_fold_that_is_not_there_is_refused(made):
    with pytest.raises(TocsinError, match=r"data\.test_fold is 5: type 0 to 4"):
        made_parts(made, "data.test_fold=5")


def test_recordings_leave_fireworks_to_learn_from_and_to_validate_on_in_every_fold(recordings, monkeypatch):
    monkeypatch.setattr(datamodule, "READERS", {kind: cache(read) for kind, read in datamodule.READERS.items()})
    judged = defaultdict(set)
    for fold in range(5):
        parts = parts_of("experiment=crossvalidation", f"data.test_fold={fold}", recordings=recordings)
        assert len(sessions_of(parts["train"], "fireworks")) >= 4
        assert len(sessions_of(parts["validation"], "fireworks")) >= 1
        assert len(sessions_of(parts["validation"], "gunshot")) >= 2
        for session in sessions_of(parts["test"]):
            judged[session].add(fold)
    assert all(len(folds) == 1 for folds in judged.values())
