"""How often the intervals of `evaluation/measures` hold what they are of, by simulation, for 5 to 100 sessions.

    python benchmarks/interval_coverage.py

Worlds are drawn whose true figure is known: sessions of uneven length, whose recordings resemble one another. An
interval of 95 % should hold the truth in 95 of 100 worlds. Where it does in fewer than 93 the number is marked with an
asterisk. The last table is McNemar's test of two detectors that are equally good: how often it calls them different at
5 %, marked where more often than in 7 of 100.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.special import betaincinv, ndtr, ndtri

from tocsin.evaluation.bench.comparison import at_equal_recall
from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.measures.bootstrap import interval_over_sessions, session_curve_band
from tocsin.evaluation.measures.calibration import BINS
from tocsin.evaluation.measures.classification import area_under_roc, session_interval, share_interval
from tocsin.evaluation.measures.clustered import rate_band, share_band
from tocsin.evaluation.measures.intervals import Band, Interval, poisson_rate
from tocsin.evaluation.measures.paired import McNemar, mcnemar, paired_interval

SESSIONS = (5, 10, 20, 50, 100)
DRAWS = 400
LEAST, MOST = 93.0, 7.0

Array = NDArray[np.float64]
Rng = np.random.Generator
# An interval of one world of so many sessions.
World = Callable[[Rng, int], Interval]


def chances(hard: Array, share: float, alike: float) -> Array:
    """Share of each session by how hard it is (normal): a beta variable of intraclass correlation ``alike`` (0 … 1)."""
    strength = 1 / alike - 1
    return betaincinv(share * strength, (1 - share) * strength, ndtr(hard))


def truths(rng: Rng, n: int) -> NDArray[np.int64]:
    """What there is to find in each session, ten on average, unevenly; shape (n,)."""
    return np.maximum(1, np.round(rng.lognormal(np.log(7), 0.8, n))).astype(int)


def alarms(rng: Rng, n: int, rate: float, shape: float) -> tuple[Array, Array]:
    """Alarms and hours of each session, an hour on average; its own rate is a gamma variable (inf: Poisson alone)."""
    hours = rng.lognormal(-0.32, 0.8, n)
    own = 1.0 if np.isinf(shape) else rng.gamma(shape, 1 / shape, n)
    return rng.poisson(rate * hours * own).astype(float), hours


def first(band: Band) -> Interval:
    """The only threshold of a band."""
    return Interval(float(band.value[0]), float(band.low[0]), float(band.high[0]))


def recall(rng: Rng, n: int, share: float, alike: float, how: str = "share_band") -> Interval:
    """Recall by ``share_band``, by the expanded percentile interval (bootstrap), or by ``share_interval``."""
    there = truths(rng, n)
    found = rng.binomial(there, chances(rng.normal(size=n), share, alike))
    if how == "share_interval":
        hits = np.arange(there.sum()) - np.repeat(np.cumsum(there) - there, there) < np.repeat(found, there)
        return share_interval(hits, np.repeat(np.arange(n).astype(str), there).tolist(), DRAWS)
    column = found[:, None]
    return first(share_band(column, there) if how == "share_band" else session_curve_band(column, there, DRAWS))


def rate(rng: Rng, n: int, true: float, shape: float, drawn: bool = False) -> Interval:
    """Alarms an hour by ``rate_band``, or by the expanded percentile interval."""
    counts, hours = alarms(rng, n, true, shape)
    return first(session_curve_band(counts[:, None], hours, DRAWS) if drawn else rate_band(counts[:, None], hours))


def exact(rng: Rng, n: int, true: float, shape: float) -> Interval:
    """Alarms an hour by ``poisson_rate``, which takes them for independent."""
    counts, hours = alarms(rng, n, true, shape)
    return poisson_rate(int(counts.sum()), hours.sum())


def area(rng: Rng, n: int, apart: float, alike: float, how: str = "interval_over_sessions") -> Interval:
    """Area under the ROC curve; half of the sessions are of gunshots, half of other sounds.

    By ``interval_over_sessions`` or by ``session_interval``.
    """
    positive, of = np.arange(n) < (n + 1) // 2, rng.integers(2, 20, n)
    sessions = np.repeat(np.arange(n), of)
    scores = rng.normal(size=of.sum()) + (rng.normal(0, alike, n) + apart * positive)[sessions]
    mine = positive[sessions]
    if how == "session_interval":
        return session_interval(area_under_roc, scores, mine, sessions.astype(str).tolist(), np.ones(len(mine)), 100)
    above = (scores[mine, None] > scores[~mine]).astype(float)
    pairs = np.eye(n)[sessions[mine]].T @ above @ np.eye(n)[sessions[~mine]]

    def statistic(counts: Array) -> Array:
        held = (counts @ np.where(positive, of, 0)) * (counts @ np.where(positive, 0, of))
        return ((counts @ pairs) * counts).sum(axis=1) / held

    return interval_over_sessions(statistic, n, DRAWS, strata=positive, bounds=(0, 1))


def true_area(apart: float, alike: float) -> float:
    """Chance that a gunshot scores above another sound."""
    return float(ndtr(apart / np.sqrt(2 + 2 * alike**2)))


def calibration_error(rng: Rng, n: int, sharper: float) -> Interval:
    """Expected calibration error of probabilities stated too sharply; those of 1 are right as they are."""
    of = 5 * truths(rng, n)
    sessions = np.repeat(np.arange(n), of)
    logit = rng.normal(0, 1.5, of.sum())
    came_true = rng.random(of.sum()) < 1 / (1 + np.exp(-logit))
    stated = 1 / (1 + np.exp(-sharper * logit))
    places = np.clip(np.ceil(stated * BINS).astype(int) - 1, 0, BINS - 1)
    gap = np.zeros((n, BINS))
    np.add.at(gap, (sessions, places), stated - came_true)

    def statistic(counts: Array) -> Array:
        return np.abs(counts @ gap).sum(axis=1) / (counts @ of)

    return interval_over_sessions(statistic, n, DRAWS, bounds=(0, 1))


def true_calibration_error(sharper: float) -> float:
    """The same of endless data."""
    logit = 1.5 * ndtri((np.arange(1_000_000) + 0.5) / 1_000_000)
    stated, true = 1 / (1 + np.exp(-sharper * logit)), 1 / (1 + np.exp(-logit))
    places = np.clip(np.ceil(stated * BINS).astype(int) - 1, 0, BINS - 1)
    return float(np.abs(np.bincount(places, stated - true)).sum() / len(logit))


def ratio_of(sums: Array) -> Array:
    """The first sum over the second."""
    return sums[:, 0] / sums[:, 1]


def recall_difference(rng: Rng, n: int, share_a: float, share_b: float, alike: float) -> Interval:
    """Recall of one detector less that of another, to which mostly the same sessions are hard."""
    there, hard = truths(rng, n), rng.normal(size=(2, n))
    hard[1] = 0.7 * hard[0] + np.sqrt(1 - 0.49) * hard[1]
    found = [rng.binomial(there, chances(of, share, alike)) for of, share in zip(hard, (share_a, share_b), strict=True)]
    sums_a, sums_b = (np.stack([hits, there], axis=1) for hits in found)
    return paired_interval(ratio_of, sums_a, sums_b, DRAWS)


def rate_difference(rng: Rng, n: int, rate_a: float, rate_b: float, shape: float) -> Interval:
    """Alarms an hour of one detector less those of another, in sessions that are noisy for both."""
    hours, noisy = rng.lognormal(-0.32, 0.8, n), rng.gamma(shape, 1 / shape, n)
    counts = (rng.poisson(rate * hours * noisy * rng.gamma(4, 0.25, n)) for rate in (rate_a, rate_b))
    sums_a, sums_b = (np.stack([count, hours], axis=1) for count in counts)
    return paired_interval(ratio_of, sums_a, sums_b, DRAWS)


def equal_recall(rng: Rng, n: int, apart_a: float, apart_b: float, least: float, alike: float) -> Interval:
    """Alarms an hour at equal recall, one detector less the other."""
    there, shared = truths(rng, n), rng.normal(0, alike, n)
    sessions, hours = np.repeat(np.arange(n), there), rng.lognormal(-0.32, 0.8, n)
    both = []
    for apart in (apart_a, apart_b):
        heard = rng.poisson(20 * hours)
        own = shared + rng.normal(0, alike, n)
        found = rng.normal(apart, 1, there.sum()) + own[sessions]
        scores, one = rng.normal(size=heard.sum()), np.ones(heard.sum(), np.int64)
        order, names = np.argsort(-scores), tuple(map(str, range(n)))
        of_alarm = np.repeat(np.arange(n), heard)[order]
        both.append(Counts(names, found, sessions, scores[order], one, one, of_alarm, hours))
    compared = at_equal_recall(both[0], both[1], least)
    return compared.difference if compared else Interval(np.nan, np.nan, np.nan)


def true_equal_recall(apart_a: float, apart_b: float, least: float, alike: float) -> float:
    """The same of endless data."""
    at_a, at_b = (apart + np.sqrt(1 + 2 * alike**2) * ndtri(1 - least) for apart in (apart_a, apart_b))
    return float(20 * (ndtr(-at_a) - ndtr(-at_b)))


def mcnemar_of_equals(rng: Rng, n: int, alike: float) -> McNemar:
    """McNemar's test of two detectors that are as good as each other, each with sessions that are hard for it."""
    sessions = np.repeat(np.arange(n), truths(rng, n))
    right = [rng.random(len(sessions)) < chances(rng.normal(size=n), 0.8, alike)[sessions] for _ in range(2)]
    return mcnemar(right[0], right[1], sessions)


def _kinds() -> Iterator[tuple[str, str, float, World]]:
    """What is stated, in which world, its truth, and how an interval of it is drawn."""
    for how in ("share_band", "bootstrap", "share_interval"):
        for share, alike in product((0.7, 0.95), (0.05, 0.3)):
            world = partial(recall, share=share, alike=alike, how=how)
            yield f"recall {share:g}, {how}", f"alike {alike:g}", share, world
    spread = {"independent": np.inf, "sessions differ": 2.0, "few sessions noisy": 0.5}
    for name, function in (("rate_band", rate), ("bootstrap", partial(rate, drawn=True)), ("poisson_rate", exact)):
        for true, (said, shape) in product((0.3, 3.0), spread.items()):
            yield f"{true:g} alarms an hour, {name}", said, true, partial(function, true=true, shape=shape)
    for apart, alike in product((1.0, 3.0), (0.3, 1.0)):
        true = true_area(apart, alike)
        yield (
            f"area {true:.2f}, interval_over_sessions",
            f"session effect {alike:g}",
            true,
            partial(area, apart=apart, alike=alike),
        )
    slow = partial(area, apart=3.0, alike=0.3, how="session_interval")
    yield f"area {true_area(3.0, 0.3):.2f}, session_interval", "session effect 0.3", true_area(3.0, 0.3), slow
    for sharper in (1.0, 1.5, 2.0):
        true = true_calibration_error(sharper)
        yield f"calibration error {true:.3f}", "all recordings alike", true, partial(calibration_error, sharper=sharper)
    for (a, b), alike in product(((0.8, 0.9), (0.9, 0.9)), (0.05, 0.3)):
        world = partial(recall_difference, share_a=a, share_b=b, alike=alike)
        yield f"recall {a:g} less {b:g}", f"alike {alike:g}", a - b, world
    for name in ("sessions differ", "few sessions noisy"):
        yield "3 alarms an hour less 2", name, 1.0, partial(rate_difference, rate_a=3.0, rate_b=2.0, shape=spread[name])
    for alike in (0.1, 0.5):
        given = {"apart_a": 2.0, "apart_b": 1.5, "least": 0.8, "alike": alike}
        true = true_equal_recall(**given)
        yield (
            f"{true:.1f} alarms an hour at recall 0.8",
            f"session effect {alike:g}",
            true,
            partial(equal_recall, **given),
        )


def coverage(world: World, true: float, n: int, worlds: int, seed: int) -> float:
    """Per cent of worlds whose interval holds the truth; one without ends does not."""
    rng = np.random.default_rng([seed, n])
    ends = [world(rng, n) for _ in range(worlds)]
    return 100 * sum(end.low <= true <= end.high for end in ends) / worlds


def called_different(alike: float, n: int, worlds: int, seed: int) -> dict[str, float]:
    """Per cent of worlds in which each of McNemar's tests calls two equals different at 5 %."""
    rng = np.random.default_rng([seed, n])
    tests = [mcnemar_of_equals(rng, n, alike) for _ in range(worlds)]
    names = ("p_exact", "p_mid", "p_sessions")
    return {name: 100 * sum(getattr(test, name) < 0.05 for test in tests) / worlds for name in names}


def main() -> int:
    """Simulate and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=400, help="worlds of each kind and number of sessions")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console = Console(stderr=True)
    head = "| " + " | ".join(f"{n} sessions" for n in SESSIONS) + " |"
    error = 100 * np.sqrt(0.95 * 0.05 / options.worlds)
    print(f"Per cent of {options.worlds} worlds whose 95 % interval holds the truth (standard error {error:.1f}).\n")
    print(f"| interval of | world {head}\n|---|---" + "|---:" * len(SESSIONS) + "|")
    short, kinds = 0, list(_kinds())
    for name, where, true, world in track(kinds, "simulating", console=console, disable=not console.is_terminal):
        held = [coverage(world, true, n, options.worlds, options.seed) for n in SESSIONS]
        short += sum(value < LEAST for value in held)
        print(
            f"| {name} | {where} | " + " | ".join(f"{it:.1f}{'*' if it < LEAST else ''}" for it in held) + " |",
            flush=True,
        )
    print(f"\n{short} of {len(kinds) * len(SESSIONS)} lie below {LEAST:g} %.\n")
    print(f"Per cent of {options.worlds} worlds in which equals are called different at 5 %.\n")
    print(f"| McNemar's test | world {head}\n|---|---" + "|---:" * len(SESSIONS) + "|")
    for alike in (0.01, 0.3):
        called = [called_different(alike, n, options.worlds, options.seed) for n in SESSIONS]
        for name in called[0]:
            cells = " | ".join(f"{of[name]:.1f}{'*' if of[name] > MOST else ''}" for of in called)
            print(f"| {name} | alike {alike:g} | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
