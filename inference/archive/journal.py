"""What a run must not forget when it is killed: which recordings are in the dataset, and what is not there yet.

Two files of JSON lines in the folder of results, each line on the disk before the next step is taken:

- ``journal.jsonl``: first what all of it was heard with (model, threshold, labels); then a line a recording that is in
  the dataset, or that failed: its key, size, time of change, and its part with the number of recordings in that, or
  the sentence that says why it has none.
- ``pending.jsonl``: recordings that were heard, rows and all, and are in no part yet. It is emptied when they are.

A part is written first, then its lines in the journal, then ``pending.jsonl`` is emptied. So a kill leaves at worst a
part without all its lines, which is removed, or a recording that is in both, where the journal is right. A last line
that was torn is cut off.
"""

import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tocsin import TocsinError
from tocsin.inference.archive.hearing import Heard
from tocsin.inference.archive.recordings import Recording

JOURNAL, PENDING = "journal.jsonl", "pending.jsonl"


@dataclass(frozen=True)
class Settings:
    """What all recordings of a folder are heard with; ``model_sha256`` is that of the ``.onnx`` file."""

    model_id: str
    model_sha256: str
    threshold: float
    labels: tuple[str, ...]


class Journal:
    """The journal of a folder of results, which nobody else writes meanwhile. To be entered.

    Args:
        folder: made where it is not there.
        settings: of this run.

    Attributes:
        done: size and time of change of the recordings that are in the dataset, by key.
        parts: of the dataset.
        pending: heard, and in no part yet.

    Raises:
        TocsinError: the folder holds something else, was heard with other settings, or another process writes it.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.done: dict[str, tuple[int, int]] = {}
        self.parts: set[str] = set()
        self.pending: list[Heard] = []
        if folder.exists() and not (folder / JOURNAL).exists() and any(folder.iterdir()):
            raise TocsinError(f"{folder} holds other things: give --out a folder that is not there yet, or empty")
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._journal = stack.enter_context(closing(_Lines(folder / JOURNAL)))
            self._waiting = stack.enter_context(closing(_Lines(folder / PENDING)))
            try:
                self._read(settings)
                self._read_pending()
            except (KeyError, TypeError, AttributeError, ValueError):
                raise TocsinError(
                    f"{folder}: its {JOURNAL} or {PENDING} is not as it was written, so what was heard is not known: "
                    "give another --out"
                ) from None
            self._open = stack.pop_all()

    def _read(self, settings: Settings) -> None:
        lines = self._journal.read()
        stated = {**asdict(settings), "labels": list(settings.labels)}
        first = next(lines, stated)
        if first is stated:
            self._journal.add([stated])
            return
        if any(first[name] != value for name, value in stated.items()):
            raise TocsinError(f"{self.folder} {_otherwise(first, stated)}")
        keys_of: dict[str, set[str]] = {}
        sizes: dict[str, int] = {}
        for line in lines:
            if part := line.get("part"):
                self.done[line["key"]] = (line["size"], line["modified_ns"])
                keys_of.setdefault(part, set()).add(line["key"])
                sizes[part] = line["of"]
        for part, keys in keys_of.items():
            if len(keys) == sizes[part]:
                self.parts.add(part)
        whole = set().union(*(keys_of[part] for part in self.parts))
        for key in self.done.keys() - whole:  # the disk took some of the lines of its part only
            del self.done[key]

    def _read_pending(self) -> None:
        for line in self._waiting.read():
            heard = Heard(Recording.of_json(line["recording"]), line["duration_s"], line["rows"])
            if heard.recording.key not in self.done:
                self.pending.append(heard)

    def note_heard(self, heard: Heard) -> None:
        """Keep what a recording gave until it is in a part."""
        self.pending.append(heard)
        fields = {"recording": heard.recording.to_json(), "duration_s": heard.duration_s, "rows": heard.rows}
        self._waiting.add([fields])

    def note_failed(self, heard: Heard) -> None:
        """Note why a recording could not be read; it is tried again in the next run."""
        self._journal.add([{**_what(heard.recording), "failed": heard.failed}])

    def note_part(self, part: str, recordings: Sequence[Recording]) -> None:
        """Note that these recordings are in the dataset."""
        self._journal.add([{**_what(recording), "part": part, "of": len(recordings)} for recording in recordings])
        self.done.update((recording.key, (recording.size, recording.modified_ns)) for recording in recordings)
        self.parts.add(part)

    def empty_pending(self) -> None:
        """All that was pending is in the dataset."""
        self.pending.clear()
        self._waiting.empty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()


class _Lines:
    """A file of JSON objects, a line each, that is only added to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        try:
            _lock(self._file.fileno(), path)
        except BaseException:
            self.close()
            raise

    def read(self) -> Iterator[dict[str, Any]]:
        """The lines, one at a time; a last one that was torn is cut off."""
        with self._path.open("rb") as file:
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    self._file.truncate(whole)
                    return
                whole += len(line)
                yield json.loads(line)

    def add(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add lines, which are on the disk when this returns."""
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(
            "utf-8", "surrogatepass"
        )
        if self._file.write(content) != len(content):
            raise OSError(f"{self._path}: the disk took a part of a line only")
        os.fsync(self._file.fileno())

    def empty(self) -> None:
        self._file.truncate(0)
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _lock(file: int, path: Path) -> None:
    try:
        fcntl = importlib.import_module("fcntl")  # of POSIX
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TocsinError(f"{path.parent}: another process writes there: wait for it, or stop it") from None


def _what(recording: Recording) -> dict[str, Any]:
    return {"key": recording.key, "size": recording.size, "modified_ns": recording.modified_ns}


def _otherwise(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What a folder was heard with, where that differs, and what to type."""
    if then["model_sha256"] != now["model_sha256"]:
        same = " of other content" if then["model_id"] == now["model_id"] else ""
        return (
            f"was heard with {then.get('model_id')}, not with this {now['model_id']}{same}: give that with --model, or "
            "another --out"
        )
    if then["threshold"] != now["threshold"]:
        return (
            f"was heard at a threshold of {then.get('threshold')}, not {now['threshold']}: add --threshold "
            f"{then.get('threshold')}, or give another --out"
        )
    labels = then["labels"]
    typed = " ".join(f"--label {label}" for label in labels)
    return f"holds the labels {', '.join(labels)}: type {typed}, or give another --out"
