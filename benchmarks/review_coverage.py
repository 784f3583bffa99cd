"""How often the intervals of `tocsin review estimate` hold the truth: ``python benchmarks/review_coverage.py``.

Logs of known truth are sampled again and again; a row is a design, a number of clips and a share of true alarms, over
three distributions of scores. Expected of 95 % intervals: 93 to 97 %. Means over a design do. Single cells leave
that range where few answers tell (fewer than some 20 above a threshold, or shares within a few clips of 0 or 1: from 88
to 100 % with 50 or 100 clips), because counts come in steps; and where all above a threshold were heard it is 100 %.
With 300 draws a cell's figure itself varies by 1.3 points.
"""

import argparse
import itertools

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from tocsin.evaluation.bench.review.agreement import cohens_kappa
from tocsin.evaluation.bench.review.allocation import allocate, importance, parse_figure
from tocsin.evaluation.bench.review.score_interval import Heard, recall_interval, share_interval
from tocsin.evaluation.bench.review.strata import lower_edges, stratum_of

SCORES = {"at both ends": (0.4, 0.4), "mostly low": (0.5, 2.0), "mostly high": (2.0, 0.5)}
POPULATION, QUIET, THRESHOLD, BETWEEN = 3000, 4000, 0.5, 0.62


def population(shape: tuple[float, float], precision: float, rng: np.random.Generator):
    """Scores of a log and which of its alarms are true: likelier the higher, ``precision`` of those at THRESHOLD."""
    scores = rng.beta(*shape, POPULATION).clip(1e-6, 1 - 1e-6)
    called = scores >= THRESHOLD
    shift = brentq(lambda b: expit(logit(scores[called]) + b).mean() - precision, -30, 30)
    return scores, rng.random(POPULATION) < expit(logit(scores) + shift)


def coverage(design: str, figure: str, number: int, precision: float, shape, draws: int, rng) -> dict[str, float]:
    """Shares of draws whose intervals hold precision at a stratum's edge and between edges, and recall."""
    scores, true = population(shape, precision, rng)
    order = np.argsort(scores)
    scores, true = scores[order], true[order]
    wanted = parse_figure(figure)
    edges = lower_edges(scores, 1 if design == "random" else 6, None if design == "random" else THRESHOLD)
    places = stratum_of(scores, edges)
    sizes = np.bincount(places)
    means = np.bincount(places, scores) / sizes
    weights = importance(wanted, edges, sizes, means) if design == "optimal" else np.ones(len(edges))
    drawn = allocate(sizes, weights, number)
    quiet_true = round(0.02 * QUIET)
    members = [np.flatnonzero(places == place) for place in range(len(edges))]
    beyond = POPULATION - np.cumsum(sizes)
    parts = {name: np.zeros((draws, 3, len(edges))) for name in ("edge", "between", "every")}
    # The threshold stated is the lowest score of the sample that reaches the one asked for, so truth is of that.
    truth = {name: np.zeros(draws) for name in ("edge", "between", "recall", "every")}
    for draw in range(draws):
        chosen = np.concatenate([rng.choice(m, n, replace=False) for m, n in zip(members, drawn, strict=True)])
        for name, at in (("edge", THRESHOLD), ("between", BETWEEN), ("every", 0.0)):
            mine = chosen[scores[chosen] >= at]
            # As `called.Alarms` counts: the size is that at the lowest score of the sample, or at an edge.
            lowest = at if at in edges or at == 0 else scores[mine].min(initial=1.0)
            above = POPULATION - np.searchsorted(scores, lowest)
            truth[name][draw] = true[POPULATION - above :].mean() if above else np.nan
            if name == "edge":
                truth["recall"][draw] = true[POPULATION - above :].sum() / (true.sum() + quiet_true)
            parts[name][draw, 0] = np.bincount(places[mine], true[mine], len(edges))
            parts[name][draw, 1] = np.bincount(places[mine], minlength=len(edges))
            parts[name][draw, 2] = np.clip(above - beyond, 0, sizes)
    missed = parts["every"] - parts["edge"]
    hits = rng.hypergeometric(quiet_true, QUIET - quiet_true, 150, draws)
    quiet = np.stack([hits, np.full(draws, 150.0), np.full(draws, float(QUIET))], axis=1)
    parts["missed"] = np.concatenate([missed, quiet[:, :, None]], axis=2)
    stacked = {name: Heard(*np.moveaxis(part, 1, 0)) for name, part in parts.items()}
    ends = {name: share_interval(stacked[name]) for name in ("edge", "between")}
    ends["recall"] = recall_interval(stacked["edge"], stacked["missed"])
    held = {}
    for name, end in ends.items():
        stated = ~np.isnan(end.value)
        inside = (end.low <= truth[name] + 1e-9) & (end.high >= truth[name] - 1e-9)
        held[name] = float(inside[stated].mean()) if stated.any() else np.nan
    held["width"] = float(np.nanmean(ends["edge"].high - ends["edge"].low))
    return held


def kappa_coverage(number: int, kappa: float, draws: int, rng: np.random.Generator) -> float:
    """Share of draws whose interval holds the kappa of two reviewers that agree by more than chance with ``kappa``."""
    shares = np.array([0.4, 0.1, 0.02, 0.2, 0.25, 0.03])
    table = kappa * np.diag(shares) + (1 - kappa) * np.outer(shares, shares)
    found = [cohens_kappa(rng.multinomial(number, table.ravel()).reshape(6, 6).astype(float)) for _ in range(draws)]
    return float(np.mean([one is not None and one.low <= kappa <= one.high for one in found]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    designs = (("random", "precision@0.5"), ("balanced", "precision@0.5"), ("optimal", "precision@0.5"))
    designs += (("optimal", "recall@0.5"),)
    columns = ("edge", "between", "recall")
    print("Coverage of 95 % intervals in %; false alarms a day are those of precision, times a known number.\n")
    print(
        "| design | clips | true | scores | precision@0.5 | precision@0.62 | recall@0.5 | mean width |\n"
        + "|---" * 8
        + "|"
    )
    cells = []
    for (design, figure), number in itertools.product(designs, (50, 100, 200, 400)):
        for precision, (name, shape) in itertools.product((0.05, 0.2, 0.5, 0.8, 0.95), SCORES.items()):
            held = coverage(design, figure, number, precision, shape, options.draws, rng)
            cells.append((design, figure, number, *(held[key] for key in columns)))
            shown = " | ".join(f"{100 * held[key]:.1f}" for key in columns)
            print(
                f"| {design} {figure} | {number} | {precision} | {name} | {shown} | {held['width']:.3f} |", flush=True
            )
    print("\n| design | clips | figure | mean | least | most | cells within 93–97 |\n" + "|---" * 7 + "|")
    for (design, figure), number in itertools.product(designs, (50, 100, 200, 400)):
        mine = np.array([cell[3:] for cell in cells if cell[:3] == (design, figure, number)])
        for at, key in enumerate(("precision@0.5", "precision@0.62", "recall@0.5")):
            column = 100 * mine[:, at]
            good = ((column >= 93) & (column <= 97)).sum()
            spread = f"{np.nanmean(column):.1f} | {np.nanmin(column):.1f} | {np.nanmax(column):.1f}"
            print(f"| {design} {figure} | {number} | {key} | {spread} | {good} of {len(column)} |")
    print("\n| clips | kappa | coverage |\n|---|---|---|")
    for number, kappa in itertools.product((50, 100, 200, 400), (0.4, 0.6, 0.8, 0.9)):
        print(f"| {number} | {kappa} | {100 * kappa_coverage(number, kappa, options.draws, rng):.1f} |")


if __name__ == "__main__":
    main()
