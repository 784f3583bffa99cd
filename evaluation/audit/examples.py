"""The worked example: tables of which every count is one that was published of Durham's pilot, and every row invented.

The counts are those of the Wilson Center for Science and Justice (Cook and Soliman, 2024) on the pilot of 15 December
2022 to 14 December 2023: 1,447 notifications (57 % ShotSpotter alone, 15 % both, 28 % 911 alone), 282 of them confirmed
(26, 34 and 40 %), and 52 serious shootings (alerted 26, called 50), on 3 square miles, for $197,500. Whole numbers are
the only ones that agree with all the published shares.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module

if TYPE_CHECKING:
    import pandas

CRS = "EPSG:2264"  # North Carolina, US survey feet
_MIDDLE = (35.985, -78.885)
_SIDE_FT = 3**0.5 * 5280
_METRES_PER_FOOT = 1200 / 3937
_SLOT_S = 7200  # unlike notifications lie at least an hour apart, so that which belongs to which is beyond doubt
_JITTER_S = 2400
_DAYS = 365
_SYNTHETIC = "synthetic"

YAML = """\
# The pilot of ShotSpotter in Durham, North Carolina, 15 December 2022 to 14 December 2023, as a worked example.
# What columns mean is in docs/audit.md of Tocsin.
first_day: 2022-12-15
last_day: 2023-12-14
time_zone: America/New_York
currency: USD
crs: EPSG:2264                 # North Carolina, US survey feet: of all x and y below
notes:
  - "SYNTHETIC ROWS: every time, place and row of these tables is invented. Only the counts are published ones, of the
    Wilson Center for Science and Justice (Cook and Soliman, 2024): 1,447 notifications (825 by ShotSpotter alone, 217
    by both, 405 by 911 alone), 282 confirmed (73, 96, 113), 52 serious shootings (26 alerted, 50 called), 3 square
    miles, $197,500, 7 of 29 arrests after alerts alone, and a median response 1.2 minutes shorter."
  - "Not published and chosen here: how the other 22 arrests divide, the severity of shootings that were not serious,
    the polygon of the area, and the level of response times. That no notification was shown to be something else than
    gunfire does not say that none was: the study knows confirmed and unconfirmed alone."
  - "The eight shootings with victims that the study puts down to failures of people or of the system, and the serious
    ones that were alerted, are held to be eligible under the contract; of the others it is not said."
  - "$28,000 for the connection to the 911 centre are not in the costs, as in the study's $197,500. The police and the
    vendor count 1,416 alerts for the same year where the study's shares make 1,042; why, neither says."
outcome_words:
  confirmed: [Gunfire confirmed]
  unconfirmed: [No evidence found]
severity_words:
  injury: [Serious]
  casings: [Other]
alerts:
  file: alerts.csv
  columns:
    alert_id: Alert Number
    time: [Date, Time]          # joined
    x: Easting
    y: Northing
    outcome: Disposition
    arrests: Arrests
    arrived_time: First Car On Scene
calls:
  file: calls.csv
  columns:
    call_id: Call Number
    time: Received
    x: Easting
    y: Northing
    outcome: Disposition
    arrests: Arrests
    arrived_time: First Car On Scene
shootings:
  file: shootings.csv
  columns:
    shooting_id: Case
    time: Occurred
    x: Easting
    y: Northing
    severity: Severity
    alerted: ShotSpotter
    called: "911"
    contract_eligible: Eligible
areas:
  file: areas.geojson
costs:
  - {item: ShotSpotter for a year, amount: 197500, per: year}
"""


@dataclass(frozen=True)
class _Kind:
    """Notifications of a kind and what they became."""

    alerted: bool
    called: bool
    count: int
    confirmed: int
    serious: int
    arrests: int


_KINDS = (
    _Kind(alerted=True, called=False, count=825, confirmed=73, serious=2, arrests=7),
    _Kind(alerted=True, called=True, count=217, confirmed=96, serious=24, arrests=11),
    _Kind(alerted=False, called=True, count=405, confirmed=113, serious=26, arrests=11),
)
_ELIGIBLE_MISSED = 8  # serious shootings with victims missed by failures of people or of the system
_MEDIAN_RESPONSE_S = {"alerts": 312.0, "calls": 384.0}  # 1.2 minutes apart, as published; the level is chosen


def write_durham(folder: Path, seed: int = 20221215) -> None:
    """Write ``audit.yaml``, ``alerts.csv``, ``calls.csv``, ``shootings.csv`` and ``areas.geojson``; every row invented.

    Args:
        folder: made where it is not there; files of these names in it are replaced.
        seed: of the invented times and places.

    Raises:
        TocsinError: pandas is not installed.
    """
    rng = np.random.default_rng(seed)
    notifications = _notifications(rng)
    alerts, calls = notifications[notifications["alerted"]], notifications[notifications["called"]]
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("alerts", _alerts(alerts, rng)),
        ("calls", _calls(calls, rng)),
        ("shootings", _shootings(notifications[notifications["confirmed"]], rng)),
    ):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    (folder / "audit.yaml").write_text(YAML, encoding="utf-8")
    (folder / "areas.geojson").write_text(json.dumps(_area(), indent=1) + "\n", encoding="utf-8")


def _notifications(rng: np.random.Generator) -> "pandas.DataFrame":
    """A row each: what reported it, what it became, and the true time and place."""
    pandas = pandas_module("the example")
    rows = [
        {
            "alerted": kind.alerted,
            "called": kind.called,
            "confirmed": number < kind.confirmed,
            "serious": number < kind.serious,
            # Not the serious ones alone lead to arrests.
            "arrests": int(number < kind.confirmed and number >= kind.confirmed - kind.arrests),
        }
        for kind in _KINDS
        for number in range(kind.count)
    ]
    frame = pandas.DataFrame(rows)
    missed = frame["serious"] & ~frame["alerted"]
    frame["eligible"] = (frame["serious"] & frame["alerted"]) | (missed & (missed.cumsum() <= _ELIGIBLE_MISSED))
    start = pandas.Timestamp("2022-12-15", tz="America/New_York")
    slots = start + pandas.to_timedelta(np.arange(_DAYS * 86_400 // _SLOT_S) * _SLOT_S, unit="s")
    # Most at night. The night in which an hour comes twice is left out: its local times would say less than these.
    weights = 1.2 + np.cos(2 * np.pi * (slots.hour.to_numpy() - 0.5) / 24)
    weights[(slots.strftime("%m-%d") == "11-05") & (slots.hour < 4)] = 0
    chosen = np.sort(rng.choice(len(slots), len(frame), replace=False, p=weights / weights.sum()))
    frame = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
    frame["time"] = slots[chosen] + pandas.to_timedelta(rng.integers(300, _JITTER_S, len(frame)), unit="s")
    frame[["x", "y"]] = _corner() + rng.uniform(400, _SIDE_FT - 400, (len(frame), 2))
    return frame


def _alerts(of: "pandas.DataFrame", rng: np.random.Generator) -> "pandas.DataFrame":
    pandas = pandas_module("the example")
    time = of["time"] + pandas.to_timedelta(rng.integers(20, 60, len(of)), unit="s")
    columns = {
        "Alert Number": [f"SS-{number:04}" for number in range(1, len(of) + 1)],
        "Date": time.dt.strftime("%m/%d/%Y"),
        "Time": time.dt.strftime("%I:%M:%S %p"),
        **_places(of, 15.0, rng),
        **_ending(of, time, "alerts", rng),
    }
    return pandas.DataFrame(columns)


def _calls(of: "pandas.DataFrame", rng: np.random.Generator) -> "pandas.DataFrame":
    pandas = pandas_module("the example")
    time = of["time"] + pandas.to_timedelta(np.minimum(rng.gamma(2.0, 90.0, len(of)) + 30, 840).round(), unit="s")
    columns = {
        "Call Number": [f"C-{number:05}" for number in range(1, len(of) + 1)],
        "Received": time.dt.strftime("%Y-%m-%d %H:%M:%S"),
        **_places(of, 110.0, rng),
        **_ending(of, time, "calls", rng, without=of["alerted"]),
    }
    return pandas.DataFrame(columns)


def _shootings(of: "pandas.DataFrame", rng: np.random.Generator) -> "pandas.DataFrame":
    pandas = pandas_module("the example")
    time = of["time"] + pandas.to_timedelta(rng.integers(-180, 240, len(of)), unit="s")
    columns = {
        "Case": [f"23-{number:06}" for number in range(1, len(of) + 1)],
        "Occurred": time.dt.strftime("%Y-%m-%d %H:%M"),
        **_places(of, 10.0, rng),
        "Severity": np.where(of["serious"], "Serious", "Other"),
        "ShotSpotter": np.where(of["alerted"], "yes", "no"),
        "911": np.where(of["called"], "yes", "no"),
        "Eligible": np.where(of["eligible"], "yes", ""),
        "Data": _SYNTHETIC,
    }
    return pandas.DataFrame(columns)


def _places(of: "pandas.DataFrame", spread_m: float, rng: np.random.Generator) -> dict[str, Any]:
    """Columns of places about the true ones, no further than a square of 4 spreads, in whole feet."""
    moved = of[["x", "y"]].to_numpy() + np.clip(rng.normal(0, 1, (len(of), 2)), -2.8, 2.8) * spread_m / _METRES_PER_FOOT
    inside = np.clip(moved, _corner() + 1, _corner() + _SIDE_FT - 1).round().astype(int)
    return {"Easting": inside[:, 0], "Northing": inside[:, 1]}


def _ending(
    of: "pandas.DataFrame", time: "pandas.Series", kind: str, rng: np.random.Generator, without: Any = False
) -> dict[str, Any]:
    """Columns of how it ended; arrests are with the alert where there is one too."""
    pandas = pandas_module("the example")
    took = np.exp(rng.normal(0, 0.45, len(of)))
    took *= _MEDIAN_RESPONSE_S[kind] / np.median(took)
    arrived = time + pandas.to_timedelta(took.round(), unit="s")
    return {
        "Disposition": np.where(of["confirmed"], "Gunfire confirmed", "No evidence found"),
        "First Car On Scene": arrived.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "Arrests": np.where(without, 0, of["arrests"]),
        "Data": _SYNTHETIC,
    }


def _corner() -> NDArray[np.float64]:
    """South-west corner of the square, in feet."""
    from pyproj import Transformer

    return np.array(Transformer.from_crs("EPSG:4326", CRS).transform(*_MIDDLE)) - _SIDE_FT / 2


def _area() -> dict[str, Any]:
    from pyproj import Transformer

    back = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    steps = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]) * _SIDE_FT + _corner()
    ring = [[round(value, 6) for value in back.transform(x, y)] for x, y in steps]
    properties = {
        "area": "pilot area",
        "square_miles": 3,
        "treated": True,
        "start_time": "2022-12-15",
        "note": _SYNTHETIC,
    }
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return {"type": "FeatureCollection", "features": [feature]}
