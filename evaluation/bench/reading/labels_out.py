"""Labels out: what a report found as a Raven selection table, Audacity label tracks or a DCASE table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from tocsin import TocsinError
from tocsin.data.sound import open_sound
from tocsin.evaluation.bench.reading.dcase import COLUMNS
from tocsin.inference.writers import SELECTION_HZ, SELECTION_S, RavenTable, audacity_line

if TYPE_CHECKING:
    import pandas

LabelFormat = Literal["raven", "audacity", "dcase"]


def write_labels(
    labels: "pandas.DataFrame", format: LabelFormat, out: str | Path, recordings: "pandas.DataFrame"
) -> list[Path]:
    """Write labels for the tool that an analyst already has; returns the files written.

    Raven opens the files one behind the other, in the order of ``recordings``, those without labels left out. A track
    of Audacity is of one file: labels of several go into a folder ``out``, a track each. Times are from the start of
    the file, also of recordings that are a stretch of one.

    Args:
        labels: ``recording``, ``onset_s``, ``label``, and where known ``offset_s`` and ``score``.
        format: of the files.
        out: the file, or the folder of tracks.
        recordings: of the log that they are of.

    Raises:
        TocsinError: the format is none of those, or a file cannot be written.
    """
    out = Path(out)
    if format not in get_args(LabelFormat):
        raise TocsinError(f"the format {format} is not known: use one of {', '.join(get_args(LabelFormat))}")
    files = _by_file(labels, recordings)
    try:
        if format != "audacity" or len(files) <= 1:
            out.parent.mkdir(parents=True, exist_ok=True)
        if format == "raven":
            return [_write_raven(files, out)]
        if format == "dcase":
            return [_write_dcase(files, out)]
        return _write_audacity(files, out)
    except OSError as error:
        raise TocsinError(f"{out} cannot be written: {error.strerror}") from error


class _File:
    """A file and its labels in order: ``(onset_s, offset_s or NaN, label, score or None)``."""

    def __init__(
        self, path: str, name: str, ends_s: float, labels: list[tuple[float, float, str, float | None]]
    ) -> None:
        self.path, self.name, self.ends_s, self.labels = path, name, ends_s, labels


def _by_file(labels: "pandas.DataFrame", recordings: "pandas.DataFrame") -> list[_File]:
    of = recordings.assign(recording=recordings["recording"].astype(str)).set_index("recording")
    path = of["path"].where(of["path"] != "", of.index) if "path" in of else of.index.to_series()
    start_s = of["start_s"] if "start_s" in of else of["duration_s"] * 0
    ends_s = (start_s + of["duration_s"]).groupby(path, sort=False).max()
    names = labels["recording"].astype(str)
    frame = labels.assign(_path=names.map(path), _start=names.map(start_s).astype(float))
    first = of.index.to_series().groupby(path, sort=False).first().str.partition("#")[0]
    found = {file: _File(file, first[file], float(end), []) for file, end in ends_s.items()}
    for row in frame.sort_values(["_path", "onset_s"]).to_dict("records"):
        found[row["_path"]].labels.append(_label(row))
    return [file for file in found.values() if file.labels]


def _label(row: dict[Any, Any]) -> tuple[float, float, str, float | None]:
    score = row.get("score")
    told = None if score is None or np.isnan(score) else float(score)
    offset_s = row.get("offset_s", np.nan)
    # A tab or a new line would be another cell.
    return row["_start"] + row["onset_s"], row["_start"] + offset_s, " ".join(str(row["label"]).split()), told


def _write_raven(files: list[_File], out: Path) -> Path:
    with out.open("w", encoding="utf-8") as text:
        table = RavenTable(text)
        for file in files:
            duration_s, highest_hz = file.ends_s, float(SELECTION_HZ)
            if Path(file.path).is_file():
                with open_sound(Path(file.path), 1) as sound:
                    duration_s, highest_hz = sound.frames / sound.sample_rate, min(SELECTION_HZ, sound.sample_rate / 2)
            ends = [(on, min(on + SELECTION_S, duration_s) if np.isnan(off) else off) for on, off, _, _ in file.labels]
            selections = [(*end, label, score) for end, (_, _, label, score) in zip(ends, file.labels, strict=True)]
            table.add_selections(file.path, duration_s, highest_hz, selections)
    return out


def _write_dcase(files: list[_File], out: Path) -> Path:
    scored = any(score is not None for file in files for *_, score in file.labels)
    with out.open("w", encoding="utf-8") as text:
        print(*COLUMNS[: 4 + scored], sep="\t", file=text)
        for file in files:
            for onset_s, offset_s, label, score in file.labels:
                end_s = onset_s + SELECTION_S if np.isnan(offset_s) else offset_s
                told = ["" if score is None else f"{score:.6g}"] * scored
                print(file.path, f"{onset_s:.6f}", f"{end_s:.6f}", label, *told, sep="\t", file=text)
    return out


def _write_audacity(files: list[_File], out: Path) -> list[Path]:
    written = []
    for file in files:
        track = out
        if len(files) > 1:
            # Folders are kept, so that files of one name in two of them have a track each.
            inside = Path(file.name).relative_to(Path(file.name).anchor)
            track = out / inside.parent / f"{inside.name}.txt"
            track.parent.mkdir(parents=True, exist_ok=True)
        lines = (audacity_line(on, on if np.isnan(off) else off, label, score) for on, off, label, score in file.labels)
        track.write_text("".join(lines), encoding="utf-8")
        written.append(track)
    if not files:
        out.write_text("", encoding="utf-8")
        written.append(out)
    return written
