"""Rivals of ``tocsin locate`` on the published live fire: same inputs, one run, one table.

    python benchmarks/location/rivals.py --recordings ../shared [--rival-python PATH …]
        [--repeats 5 --seed 0] [--plots FOLDER]

Cases are those of ``delayed.py``: the publisher's pulses of one shot at 6 random sensors, as published and with one of
them delayed by 50 to 500 ms, at the reported temperature. A rival runs in the first Python given that can import it
(``pip install opensoundscape``; ``pip install pyocto "numpy<2"``); one that none can is left out, with a line. A case
that it gives no answer to is counted as a miss.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from delayed import Case, answered, cases_of
from rival_adapters import RIVALS

from tocsin.data.public.pittsburgh import read_live_fire

ADAPTERS = Path(__file__).with_name("rival_adapters.py")
SETTINGS = {"6 sensors": (6, 0), "6 sensors, one delayed": (6, 1)}


def tocsin_errors_m(cases: Sequence[Case]) -> list[float]:
    """Errors of ``locate``, ambiguous answers among them."""
    return [answered(case)[0] for case in cases]


def rival_errors_m(name: str, pythons: Sequence[str], cases: Sequence[Case]) -> list[float] | None:
    """Errors of a rival; None where no Python has it."""
    asked = json.dumps(
        [
            {
                "sensors_m": [[item.x_m, item.y_m] for item in (pulse.position for pulse in case.pulses)],
                "times_s": [
                    (pulse.arrival_time_utc - case.pulses[0].arrival_time_utc).total_seconds() + delay_s
                    for pulse, delay_s in zip(case.pulses, case.delays_s, strict=True)
                ],
                "temperature_c": case.test.weather.temperature_c,
            }
            for case in cases
        ]
    )
    for python in pythons:
        run = subprocess.run([python, str(ADAPTERS), name], input=asked, capture_output=True, text=True, check=False)
        if run.returncode == 0:
            places = json.loads(run.stdout)
            return [
                np.inf
                if place is None
                else float(np.hypot(place[0] - case.test.survey.x_m, place[1] - case.test.survey.y_m))
                for place, case in zip(places, cases, strict=True)
            ]
        if run.returncode != 3:
            raise SystemExit(f"{name} failed in {python}: {run.stderr.strip().splitlines()[-1]}")
    return None


def main() -> None:
    """Run all and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared"))
    parser.add_argument("--rival-python", action="append", default=[], help="a Python that has rivals; repeat for more")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plots", type=Path, help="folder for the distributions of errors, a .png a setting")
    options = parser.parse_args()
    tests = read_live_fire(options.recordings / "live-fire" / "pittsburgh-2018")
    print(f"repeats {options.repeats}, seed {options.seed}")
    for setting, (sensors, delayed) in SETTINGS.items():
        cases = list(cases_of(tests, sensors, delayed, options.repeats, options.seed))
        print(f"{setting + f': {len(cases)} cases':<38}{'<=15 m':>8}{'<=25 m':>8}{'median m':>10}{'none':>7}")
        errors: dict[str, list[float]] = {}
        for name in RIVALS:
            found = rival_errors_m(name, [sys.executable, *options.rival_python], cases)
            if found is None:
                print(f"{name} is left out: no --rival-python can import it", file=sys.stderr)
            else:
                errors[name] = found
                print(_row(name, found), flush=True)
        errors["Tocsin"] = tocsin_errors_m(cases)
        print(_row("Tocsin", errors["Tocsin"]), flush=True)
        if options.plots:
            draw(errors, setting, options.plots / f"errors_{sensors}_{delayed}.png")


def _row(name: str, errors_m: Sequence[float]) -> str:
    errors = np.array(errors_m)
    shares = f"{np.mean(errors <= 15.0):>8.1%}{np.mean(errors <= 25.0):>8.1%}"
    return f"{name:<38}{shares}{np.median(errors):>10.1f}{np.mean(np.isinf(errors)):>7.1%}"


def draw(errors: dict[str, list[float]], title: str, path: Path) -> None:
    """Share of cases within each distance."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    for name, values in errors.items():
        axes.step(np.sort(values), np.arange(1, len(values) + 1) / len(values), where="post", label=name)
    axes.set_xscale("log")
    axes.set_xlim(0.5, 1000.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("error, m")
    axes.set_ylabel("share of cases")
    axes.set_title(title)
    axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, bbox_inches="tight")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
