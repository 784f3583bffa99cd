"""How long an audit takes, on one core: its tables read and matched, then the whole of it, with the page.

    python benchmarks/audit_speed.py --alerts 100000 --calls 500000

A third of the invented alerts belong to a call and a tenth to a shooting; all others lie anywhere in 8 by 8 km and
three years, with ten crowded nights, as of fireworks, that hold a twentieth of everything.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from tocsin.evaluation.audit.auditing import Audit, audit
from tocsin.evaluation.audit.matching import Matches, match_records, sensitivity
from tocsin.evaluation.audit.page import page_of
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.report.rendering import render

YAML = """\
time_zone: America/New_York
first_day: 2020-01-01
last_day: 2022-12-31
alerts: {file: alerts.csv, columns: {time: time}}
calls: {file: calls.csv, columns: {time: time}}
shootings: {file: shootings.csv, columns: {time: time}}
"""
YEARS_S, NIGHT_S = 3 * 365 * 86_400, 6 * 3600


def main() -> None:
    """Write the tables, read and match them, and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| what | seconds |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        write_tables(Path(name), options.alerts, options.calls, np.random.default_rng(options.seed))
        records = timed(f"reading {options.alerts:,} alerts and {options.calls:,} calls", lambda: read_records(name))
    matches: Matches = timed("matching them", lambda: match_records(records))
    timed("sensitivity to three tolerances", lambda: sensitivity(records))
    audited: Audit = timed("the audit: matching, sensitivity, every figure and table", lambda: audit(records))
    timed("its page", lambda: render(page_of(audited)))
    found = matches.incidents
    print(f"\n{(found['call_by'] != '').sum():,} alerts with a call, {(found['shooting_by'] != '').sum():,} shootings.")
    print(f"Peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB.")


def write_tables(folder: Path, alerts: int, calls: int, rng: np.random.Generator) -> None:
    """Tables and their ``audit.yaml``."""
    seconds, places = times_and_places(alerts, rng)
    of_calls, of_shootings = seconds[: alerts // 3], seconds[: alerts // 10]
    delay, move = rng.gamma(2, 60, len(of_calls)), rng.normal(0, 0.0015, (len(of_calls), 2))
    more_s, more_places = times_and_places(calls - len(of_calls), rng)
    write(folder / "alerts.csv", "alert_id", seconds, places)
    call_s, call_places = (
        np.append(of_calls + delay, more_s),
        np.concatenate([places[: alerts // 3] + move, more_places]),
    )
    write(folder / "calls.csv", "call_id", call_s, call_places)
    write(folder / "shootings.csv", "shooting_id", of_shootings + rng.normal(0, 120, len(of_shootings)), places)
    (folder / "audit.yaml").write_text(YAML)


def times_and_places(count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Seconds into the years, a twentieth of them in ten nights, and degrees."""
    seconds = rng.uniform(0, YEARS_S, count)
    crowded = rng.random(count) < 0.05
    nights = rng.integers(0, 10, crowded.sum()) * (YEARS_S // 10)
    seconds[crowded] = nights + rng.uniform(0, NIGHT_S, crowded.sum())
    return seconds, np.array([36.0, -78.9]) + rng.uniform(-0.036, 0.036, (count, 2))


def write(path: Path, key: str, seconds: Any, places: Any) -> None:
    """A CSV in local time."""
    time_texts = (pandas.Timestamp("2020-01-01") + pandas.to_timedelta(np.round(seconds), unit="s")).strftime(
        "%m/%d/%Y %H:%M:%S"
    )
    columns = {key: np.arange(len(seconds)), "time": time_texts}
    rows = len(seconds)
    pandas.DataFrame(columns | {"latitude": places[:rows, 0].round(6), "longitude": places[:rows, 1].round(6)}).to_csv(
        path, index=False
    )


def timed(what: str, run: Callable[[], Any]) -> Any:
    """The result of a function, its seconds printed as a row."""
    begin = time.perf_counter()
    result = run()
    print(f"| {what} | {time.perf_counter() - begin:.1f} |", flush=True)
    return result


if __name__ == "__main__":
    main()
