"""The demo over several seeds: what is located, missed and false where the truth is known, as a Markdown table.

python benchmarks/demo_seeds.py --seeds 10
"""

import argparse
import statistics

from tocsin.acoustics.scene import simulate_neighbourhood
from tocsin.evaluation.demo.commands import report_of
from tocsin.evaluation.demo.trial import run_trial
from tocsin.inference.model import Model
from tocsin.models.card import SHIPPED


def main() -> None:
    """Run the demo for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="seeds 0 … N − 1")
    said = f"an .onnx file, or the name of shipped weights (default: {SHIPPED})"
    parser.add_argument("--model", default=SHIPPED, help=said)
    options = parser.parse_args()
    model = Model(options.model)
    print("| seed | median error, m | gunfire | missed | false |\n|---|---|---|---|---|")
    reports = []
    for seed in range(options.seeds):
        report = report_of(run_trial(simulate_neighbourhood(seed), model))
        reports.append(report)
        print(
            f"| {seed} | {_metres(report)} | {report['gunfire']} | {report['missed']} | {report['false']} |", flush=True
        )
    incidents = [incident for report in reports for incident in report["incidents"]]
    found = [incident["error_m"] for incident in incidents if incident["error_m"] is not None]
    totals = {name: sum(report[name] for report in reports) for name in ("gunfire", "missed", "false")}
    overall = f"{statistics.median(found):.1f}" if found else "none found"
    print(f"| all | {overall} | {totals['gunfire']} | {totals['missed']} | {totals['false']} |")


def _metres(report: dict) -> str:
    return "none found" if report["median_error_m"] is None else f"{report['median_error_m']:.1f}"


if __name__ == "__main__":
    main()
