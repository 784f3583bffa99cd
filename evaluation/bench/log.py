"""A log: what was recorded, what sounded in it, and what a detector said. All of the bench works on this.

Three tables (pandas), a row a recording, a true sound and a detection:

- ``recordings``: ``recording`` (its name, once), ``session`` (what was recorded together; its own name where nothing is
  said), ``sensor_id``, ``start_time_utc`` (UTC, NaT where not known), ``duration_s`` (seconds listened to), ``path``
  (of its file), ``label`` (of what it is a recording of); text is empty where not known.
- ``truth``: ``recording``, ``onset_s`` and ``offset_s`` from the start of the recording (an offset is NaN where a sound
  has none), ``label``, ``weak`` (whether it sounds somewhere between the two, not known where), and where known
  ``distance_m`` and ``snr_db``. Stretches labelled ``UNSURE`` count neither for nor against a detector.
- ``detections``: ``recording``, ``onset_s``, ``offset_s`` (NaN where it has none), ``score`` (the higher the likelier
  the target), and where known ``label``, ``level_dbfs``, ``snr_db``.

Any further columns are kept. ``recording`` is categorical in all three, its categories in the order of ``recordings``,
so that its codes are places in that table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module

if TYPE_CHECKING:
    import pandas

UNSURE = "unsure"
TARGET = "gunshot"

_RECORDING_DEFAULTS: Mapping[str, Any] = {"session": "", "sensor_id": "", "path": "", "label": ""}


@dataclass(frozen=True)
class Log:
    """Recordings, truth and detections of one detector, made by :func:`make_log`; ``target`` is what it should tell."""

    recordings: "pandas.DataFrame"
    truth: "pandas.DataFrame"
    detections: "pandas.DataFrame"
    target: str
    detector: str

    @property
    def hours(self) -> float:
        """Hours listened to, the unsure stretches among them."""
        return float(self.recordings["duration_s"].sum()) / 3600

    def with_detections(self, detections: "pandas.DataFrame", detector: str) -> "Log":
        """The same recordings and truth, heard by another detector."""
        frame = _events(detections, self.recordings, "detections", ("onset_s", "score"))
        return replace(self, detections=frame, detector=detector)


def make_log(
    recordings: "pandas.DataFrame",
    truth: "pandas.DataFrame | None",
    detections: "pandas.DataFrame",
    target: str = TARGET,
    detector: str = "detector",
) -> Log:
    """A log of three tables whose optional columns may be missing; ``truth`` is ``None`` where nothing is known.

    Raises:
        TocsinError: a needed column is missing, a name of a recording stands twice or is not among ``recordings``, or
            a time, a duration or a score is no finite number.
    """
    pandas = pandas_module()
    heard = recordings.reset_index(drop=True).copy()
    _require(heard, ("recording", "duration_s"), "recordings")
    heard["recording"] = heard["recording"].astype(str)
    twice = heard["recording"][heard["recording"].duplicated()]
    if len(twice):
        raise TocsinError(f"recordings: {twice.iloc[0]} stands twice, expected a row a recording")
    for name, default in _RECORDING_DEFAULTS.items():
        heard[name] = heard[name].fillna(default).astype(str) if name in heard else default
    heard["session"] = heard["session"].where(heard["session"] != "", heard["recording"])
    if "start_time_utc" in heard:
        heard["start_time_utc"] = pandas.to_datetime(heard["start_time_utc"], utc=True, format="ISO8601")
    else:
        heard["start_time_utc"] = pandas.Series(pandas.NaT, index=heard.index, dtype="datetime64[us, UTC]")
    _finite(heard, "duration_s", "recordings")
    if (heard["duration_s"] <= 0).any():
        bad = heard[heard["duration_s"] <= 0].iloc[0]
        raise TocsinError(f"recordings: {bad['recording']} lasts {bad['duration_s']:g} s, expected more than 0")
    if truth is None:
        truth = pandas.DataFrame({"recording": [], "onset_s": [], "label": []})
    sounded = _events(truth, heard, "truth", ("onset_s", "label"))
    sounded["label"] = sounded["label"].astype(str)
    sounded["weak"] = sounded["weak"].astype(bool) if "weak" in sounded else False
    if (sounded["weak"] & sounded["offset_s"].isna()).any():
        raise TocsinError("truth: a sound that is somewhere in a stretch needs the offset_s of that stretch")
    return Log(heard, sounded, _events(detections, heard, "detections", ("onset_s", "score")), target, detector)


def _events(
    events: "pandas.DataFrame", recordings: "pandas.DataFrame", what: str, numbers: tuple[str, ...]
) -> "pandas.DataFrame":
    """A table of events with its recordings as categories, sorted by recording and onset."""
    pandas = pandas_module()
    _require(events, ("recording", *numbers), what)
    frame = events.reset_index(drop=True).copy()
    names = recordings["recording"]
    frame["recording"] = pandas.Categorical(frame["recording"].astype(str), categories=names)
    if frame["recording"].isna().any():
        name = events.reset_index(drop=True)["recording"][frame["recording"].isna()].iloc[0]
        raise TocsinError(f"{what}: {name} is none of the {len(names)} recordings, the first of which is {names[0]}")
    for name in numbers:
        if name != "label":
            _finite(frame, name, what)
    frame["offset_s"] = frame["offset_s"].astype(np.float64) if "offset_s" in frame else np.nan
    return frame.sort_values(["recording", "onset_s"], kind="stable", ignore_index=True)


def _require(frame: "pandas.DataFrame", names: tuple[str, ...], what: str) -> None:
    for name in names:
        if name not in frame:
            raise TocsinError(f"{what}: the column {name} is missing, found {', '.join(map(str, frame.columns))}")


def _finite(frame: "pandas.DataFrame", name: str, what: str) -> None:
    frame[name] = frame[name].astype(np.float64)
    bad = ~np.isfinite(frame[name].to_numpy())
    if bad.any():
        row = int(np.argmax(bad))
        raise TocsinError(f"{what}, row {row + 1}: {name} is {frame[name].iloc[row]}, expected a finite number")
