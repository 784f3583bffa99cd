"""How long a log takes to evaluate, Tocsin's bench beside sed_scores_eval, in one run.

    python benchmarks/bench_speed.py --detections 1000000

Both match invented detections with invented sounds (an onset within 0.2 s, one to one) at every threshold at once, from
tables in memory, on one core. The peer takes scores over time, in which each detection is a piece of 0.05 ms;
making them is not timed. It is run on fewer detections where it would take too long, and both are then timed on those.
"""

import argparse
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas

from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.log import Log, make_log
from tocsin.evaluation.bench.matching import match
from tocsin.evaluation.bench.operating_point import LeastRecall, parse_budget
from tocsin.evaluation.bench.sections import sections_of

HOUR_S = 3600.0


def main() -> int:
    """Time and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detections", type=int, default=1_000_000)
    parser.add_argument("--peer-detections", type=int, default=100_000, help="given to the peer")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| what | detections | seconds |\n|---|---|---|")
    log = invented(options.detections, options.seed)
    bases = [parse_budget("1 per sensor-day"), LeastRecall(0.8)]
    evaluation = _timed("every figure, two operating points", options.detections, lambda: evaluate(log, bases=bases))
    _timed("its tables, by sensor, hour and weekday", options.detections, lambda: sections_of(evaluation))
    _timed("its false alarms", options.detections, lambda: false_alarms(evaluation.matched, evaluation.threshold))
    _timed("matching alone", options.detections, lambda: match(log))
    fewer = invented(options.peer_detections, options.seed)
    mine = _timed("matching alone", options.peer_detections, lambda: match(fewer))
    curve = _timed("sed_scores_eval 0.0.4", options.peer_detections, peer(fewer))
    # The same counts, or the comparison compares nothing.
    scores = fewer.detections["score"].to_numpy()
    for tps, threshold in list(zip(curve[3]["tps"], curve[2], strict=True))[2::200]:
        if (mine.found_at >= threshold).sum() != tps:
            print(
                f"bench_speed: {tps} found by the peer at {threshold}, of {len(scores)} not the same", file=sys.stderr
            )
            return 1
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB.")
    return 0


def invented(detections: int, seed: int) -> Log:
    """Recordings of an hour of fifty sensors, a hundred detections each, one in twenty near one of ten sounds."""
    rng = np.random.default_rng(seed)
    hours = max(detections // 100, 1)
    names = np.array([f"sensor{number % 50:02d}/{number // 50:06d}.flac" for number in range(hours)])
    heard = pandas.DataFrame(
        {
            "recording": names,
            "duration_s": HOUR_S,
            "sensor_id": [name[:8] for name in names],
            "session": [f"{number // 50 // 24}" for number in range(hours)],
            "start_time_utc": pandas.Timestamp("2026-01-01T00:00Z") + pandas.to_timedelta(np.arange(hours) // 50, "h"),
        }
    )
    sound_of = np.repeat(np.arange(hours), 10)
    onset_s = np.round(rng.uniform(0, HOUR_S - 1, len(sound_of)), 4)
    truth = pandas.DataFrame({"recording": names[sound_of], "onset_s": onset_s, "label": "gunshot"})
    said_of = np.repeat(np.arange(hours), 100)
    at_s = rng.uniform(0, HOUR_S - 1, len(said_of))
    near = rng.random(len(said_of)) < 0.05
    pick = said_of[near] * 10 + rng.integers(0, 10, near.sum())
    at_s[near] = np.clip(onset_s[pick] + rng.normal(0, 0.05, near.sum()), 0, HOUR_S - 1)
    score = np.where(near, rng.beta(4, 2, len(near)), rng.beta(1, 6, len(near)))
    said = pandas.DataFrame({"recording": names[said_of], "onset_s": np.round(at_s, 4), "score": np.round(score, 6)})
    return make_log(heard, truth, said.drop_duplicates(["recording", "onset_s"]))


def peer(log: Log) -> Callable[[], Any]:
    """sed_scores_eval on a log, ready to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sed_scores_eval import collar_based
        from sed_scores_eval.base_modules import statistics
        from sed_scores_eval.base_modules.scores import create_score_dataframe
    # Its compiled part refuses arrays that cannot be written to, as pandas 3 gives them.
    compiled = statistics.onset_offset_curves
    statistics.onset_offset_curves = lambda scores, *rest: compiled(np.array(scores), *rest)
    scores, truth = {}, {}
    sounds = dict(list(log.truth.groupby("recording", observed=False)["onset_s"]))
    for name, mine in log.detections.groupby("recording", observed=False):
        onset_s = mine["onset_s"].to_numpy()
        edges = np.unique(np.round(np.concatenate([[0.0, HOUR_S], onset_s, onset_s + 0.00005]), 5))
        values = np.zeros((len(edges) - 1, 1))
        values[np.searchsorted(edges, onset_s - 1e-6), 0] = mine["score"]
        scores[name] = create_score_dataframe(values, edges, ["gunshot"])
        truth[name] = [(at_s, at_s + 0.00005, "gunshot") for at_s in sounds[name]]

    def run() -> Any:
        return collar_based.precision_recall_curve(scores, truth, onset_collar=0.2, offset_collar=1e6)["gunshot"]

    return run


def _timed(what: str, detections: int, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    print(f"| {what} | {detections:,} | {time.perf_counter() - start:.2f} |", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
