"""Each public set, in the layout in which it is published, read into manifest rows.

A row of an upload to Freesound has ``freesound_<id>`` as recording and session, whichever set it comes from: the sets
share uploads, and no split may divide one. Recordings in which people are heard are background. Clips whose labels
belong to no class (or to two that exclude each other) are left out.
"""

import csv
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.data.audio import file_duration_s, find_audio
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.labels import ESC50, FSD, fsd_label
from tocsin.data.public.pittsburgh import labelled_clips, read_live_fire
from tocsin.data.tables import open_table

_CADRE_NAME = re.compile(r"^(?P<device>[A-Z]{2})_(?P<series>\d{3}[A-Z])_(?P<shot>S\d{2})$")


def read_urbansound8k(root: Path) -> list[ManifestRow]:
    """``metadata/UrbanSound8K.csv`` beside ``audio/fold1`` … ``audio/fold10``; raises ``TocsinError`` as all here do.

    A slice of salience 2 (in the background) is ``weak_event``.
    """
    table = _find(root, "metadata/UrbanSound8K.csv")
    return [
        _freesound_row(
            _existing(table.parents[1] / "audio" / f"fold{cells['fold']}" / cells["slice_file_name"], table),
            cells["class"],
            cells["fsID"],
            source="urbansound8k",
            licence="CC BY-NC 3.0",
            quality="ok" if cells["salience"] == "1" else "weak_event",
            extra={"fold": cells["fold"]},
        )
        for cells in _table(table, "slice_file_name", "fsID", "salience", "fold", "class")
    ]


def read_esc50(root: Path) -> list[ManifestRow]:
    """``meta/esc50.csv`` beside ``audio``; the clips of ESC-10 are CC BY, the others CC BY-NC."""
    table = _find(root, "meta/esc50.csv")
    rows = []
    for cells in _table(table, "filename", "fold", "category", "esc10", "src_file"):
        if cells["category"] not in ESC50:
            raise TocsinError(f"{table}: the category {cells['category']!r} is none of the 50 of ESC-50")
        rows.append(
            _freesound_row(
                _existing(table.parents[1] / "audio" / cells["filename"], table),
                ESC50[cells["category"]],
                cells["src_file"],
                source="esc50",
                licence="CC BY 3.0" if cells["esc10"] == "True" else "CC BY-NC 3.0",
                extra={"fold": cells["fold"]},
            )
        )
    return rows


def read_fsd50k(root: Path) -> list[ManifestRow]:
    """``FSD50K.ground_truth``, ``FSD50K.metadata`` and the audio of both parts; the file name is the Freesound id."""
    rows = []
    for part in ("dev", "eval"):
        table = _find(root, f"FSD50K.ground_truth/{part}.csv")
        path = table.parents[1] / f"FSD50K.metadata/{part}_clips_info_FSD50K.json"
        clips = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for cells in _table(table, "fname", "labels"):
            label = fsd_label(cells["labels"].split(","))
            if label is None:
                continue
            clip = clips.get(cells["fname"], {})
            rows.append(
                _freesound_row(
                    _existing(table.parents[1] / f"FSD50K.{part}_audio" / f"{cells['fname']}.wav", table),
                    label,
                    cells["fname"],
                    source="fsd50k",
                    licence=clip.get("license", ""),
                    # An explosion that nobody called a gunshot or fireworks may still be either.
                    quality="unverified" if label == "explosion" else "ok",
                    extra={"fold": cells.get("split") or part, "uploader": clip.get("uploader", "")},
                )
            )
    return rows


def read_fsdkaggle2018(root: Path) -> list[ManifestRow]:
    """The tables of ``FSDKaggle2018.meta`` with the audio of both parts; unverified labels say so in ``quality``."""
    rows = []
    for part, name in (("train", "train_post_competition"), ("test", "test_post_competition_scoring_clips")):
        table = _find(root, f"FSDKaggle2018.meta/{name}.csv")
        for cells in _table(table, "fname", "label", "freesound_id", "license"):
            label = FSD.get(cells["label"])
            if label is None:
                continue
            rows.append(
                _freesound_row(
                    _existing(table.parents[1] / f"FSDKaggle2018.audio_{part}" / cells["fname"], table),
                    label,
                    cells["freesound_id"],
                    source="fsdkaggle2018",
                    licence=cells["license"],
                    quality="ok" if cells.get("manually_verified", "1") == "1" else "unverified",
                    extra={"fold": part},
                )
            )
    return rows


def read_pittsburgh(root: Path) -> list[ManifestRow]:
    """The live fire as ``data.pittsburgh`` reads it: shots and background, a session a firing position."""
    return list(labelled_clips(read_live_fire(root)))


def read_cadre(root: Path) -> list[ManifestRow]:
    """Files named ``ZM_001A_S01.wav``: recorder, series, shot. One range, the same shots on several recorders."""
    rows = []
    for path in find_audio(root):
        name = _CADRE_NAME.match(path.stem)
        if name is None:
            continue
        rows.append(
            ManifestRow(
                path,
                "gunshot",
                0.0,
                file_duration_s(path),
                recording_id=f"cadre_{name['series']}",
                source="cadre",
                device=name["device"],
                licence="not stated",
                session_id="cadre_range",
                use="evaluate",
                extra={"event_id": f"cadre_{name['series']}_{name['shot']}"},
            )
        )
    if not rows:
        raise TocsinError(f"{root} holds no files of the Cadre set: expected names such as ZM_001A_S01.wav")
    return rows


def read_tut_rare_2017(root: Path) -> list[ManifestRow]:
    """``source_data``: the annotated events of each Freesound recording, and the backgrounds, whole.

    Gun shots, breaking glass, and babies, who are background as all voices are.
    """
    events = _find(root, "source_data/events")
    labels = {"gunshot": "gunshot", "glassbreak": "glass_break", "babycry": "voices"}
    rows = []
    for folder, label in labels.items():
        for path in sorted((events / folder).glob("*.yaml")):
            about = _yaml(path)
            audio = _existing(path.with_suffix(".wav"), path)
            try:
                segments = [(float(start), float(end)) for start, end in about["valid_segments"]]
            except (KeyError, TypeError, ValueError) as error:
                raise TocsinError(f"{path}: expected valid_segments, a list of [start, end] in seconds") from error
            name = f"freesound_{path.stem}"
            licence = str(about.get("license", ""))
            rows += [
                ManifestRow(audio, label, start, end, name, "tut-rare-2017", licence=licence, session_id=name)
                for start, end in segments
            ]
    for path in sorted((events.parent / "bgs/audio").glob("*.wav")):
        # a001_0_30.wav: a place, and the seconds of its recording; a split of the set's own keeps places together.
        place = f"tut_{path.stem.split('_')[0]}"
        licence = "TUT EULA (non-commercial)"
        rows.append(
            ManifestRow(path, "urban_ambience", 0.0, file_duration_s(path), place, "tut-rare-2017", "", licence, place)
        )
    if not rows:
        raise TocsinError(f"{events.parent} holds neither events nor backgrounds of TUT Rare Sound Events 2017")
    return rows


def _freesound_row(
    path: Path, label: str, freesound_id: str, source: str, licence: str, extra: Mapping[str, str], quality: str = "ok"
) -> ManifestRow:
    name = f"freesound_{freesound_id}"
    return ManifestRow(
        path,
        label,
        0.0,
        file_duration_s(path),
        name,
        source,
        licence=licence,
        session_id=name,
        quality=quality,
        extra=extra,
    )


def _find(root: Path, inside: str) -> Path:
    """The file or folder ``inside`` of root, or of a folder in it (archives differ in what they unpack to)."""
    deeper = sorted(path for pattern in ("*", "*/*") for path in root.glob(pattern) if path.is_dir())
    for folder in [root, *sorted(deeper, key=lambda path: len(path.parts))]:
        if (folder / inside).exists():
            return folder / inside
    raise TocsinError(f"{root} holds no {inside}: expected the set as published; `tocsin data fetch` makes it so")


def _existing(path: Path, table: Path) -> Path:
    if not path.is_file():
        raise TocsinError(f"{table} names {path}, which is not there: unpack all of the set's archives")
    return path


def _table(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    with open_table(path) as file:
        table = csv.DictReader(file)
        missing = [name for name in columns if name not in (table.fieldnames or ())]
        if missing:
            raise TocsinError(f"{path}: the column {missing[0]!r} is missing")
        yield from table


def _yaml(path: Path) -> dict[str, Any]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise TocsinError('this set needs PyYAML: type `pip install "tocsin[train]"`') from error

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined]
        """Reads the tags that Python 2 wrote (strings, tuples) as what they hold, and runs nothing."""

    def plain(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        is_list = isinstance(node, yaml.SequenceNode)
        return loader.construct_sequence(node) if is_list else loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", plain)
    try:
        found: Any = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TocsinError(f"{path} cannot be read as YAML") from error
    if not isinstance(found, dict):
        raise TocsinError(f"{path} is not as published: expected fields such as valid_segments")
    return found


__all__: Sequence[str] = (
    "read_cadre",
    "read_esc50",
    "read_fsd50k",
    "read_fsdkaggle2018",
    "read_pittsburgh",
    "read_tut_rare_2017",
    "read_urbansound8k",
)
