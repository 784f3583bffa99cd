"""The demo over several seeds: what is located, missed and false where the truth is known, as a Markdown table.

python benchmarks/demo_seeds.py --seeds 10 [--first-seed 0] [--why]

``--why`` adds where each missed shooting was lost (not heard, not located, not believed) and what each false report
was, with counts.
"""

import argparse
import statistics
from collections import Counter

from tocsin.acoustics.scene import simulate_neighbourhood
from tocsin.evaluation.demo.causes import cause_of_miss, source_of_false
from tocsin.evaluation.demo.commands import report_of
from tocsin.evaluation.demo.trial import run_trial
from tocsin.inference.model import Model
from tocsin.models.card import SHIPPED


def main() -> None:
    """Run the demo for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--why", action="store_true", help="where each miss was lost, what each false report was")
    said = f"an .onnx file, or the name of shipped weights (default: {SHIPPED})"
    parser.add_argument("--model", default=SHIPPED, help=said)
    options = parser.parse_args()
    model = Model(options.model)
    print("| seed | median error, m | gunfire | missed | false |\n|---|---|---|---|---|")
    reports = []
    causes: Counter[tuple[str, str]] = Counter()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        trial = run_trial(simulate_neighbourhood(seed), model)
        report = report_of(trial)
        reports.append(report)
        causes.update(("missed", cause_of_miss(trial, index).value) for index in trial.score.missed)
        causes.update(("false", source_of_false(trial, index) or "no bang there") for index in trial.score.false)
        print(
            f"| {seed} | {_metres(report)} | {report['gunfire']} | {report['missed']} | {report['false']} |", flush=True
        )
    incidents = [incident for report in reports for incident in report["incidents"]]
    found = [incident["error_m"] for incident in incidents if incident["error_m"] is not None]
    totals = {name: sum(report[name] for report in reports) for name in ("gunfire", "missed", "false")}
    overall = f"{statistics.median(found):.1f}" if found else "none found"
    print(f"| all | {overall} | {totals['gunfire']} | {totals['missed']} | {totals['false']} |")
    if options.why:
        print("\n| outcome | cause | count |\n|---|---|---|")
        for (outcome, cause), count in causes.most_common():
            print(f"| {outcome} | {cause} | {count} |")


def _metres(report: dict) -> str:
    return "none found" if report["median_error_m"] is None else f"{report['median_error_m']:.1f}"


if __name__ == "__main__":
    main()
