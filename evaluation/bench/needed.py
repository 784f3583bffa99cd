"""What more recordings would be needed before a figure says something."""

from collections.abc import Iterator

import numpy as np

from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.bench.operating_point import Budget
from tocsin.evaluation.measures.clustered import independent_cases
from tocsin.evaluation.measures.intervals import poisson_rate

FEW_SESSIONS = 10
ONE_SESSION = 0.3  # of the sounds, that a single session should not hold
HALF_WIDTH = 0.05  # of a share that is known well enough


def needed(counts: Counts, threshold: float, budgets: tuple[Budget, ...] = ()) -> Iterator[str]:
    """Sentences that say which figures rest on too little, and how much more would do."""
    hours, sessions = float(counts.hours.sum()), len(counts.sessions)
    alarms = counts.alarms(threshold)
    if sessions < FEW_SESSIONS:
        yield (
            f"There are {sessions} sessions. Intervals over so few are guesses of how much others would differ: "
            f"record {FEW_SESSIONS} at least, at other places and on other days."
        )
    if hours > 0 and not alarms:
        yield (
            f"No false alarm in {_time(hours)} says no more than: fewer than {_rate(poisson_rate(0, hours).high)}. "
            f"To say fewer than one a week, {_time(3.69 * 168)} without any would be needed."
        )
    elif hours > 0 and alarms < 16:
        few = "1 false alarm is" if alarms == 1 else f"{alarms} false alarms are"
        longer = _time(hours * 16 / alarms)
        yield f"{few} few. For an interval of ± 50 % some 16 are needed, which here would come in {longer}."
    for budget in budgets:
        least = 3.69 / budget.per_hour if budget.per_hour else np.inf
        if hours < least < np.inf:
            yield (
                f"The budget ({budget.said}) can only be shown to be kept in {_time(least)} and more, without one "
                f"false alarm; here are {_time(hours)}."
            )
    found, of = counts.found_by_session(threshold)
    if not of.sum():
        yield "No true sound is labelled, so nothing is said of how many are found: give --truth, or review a sample."
        return
    largest = of.max() / of.sum()
    if largest > ONE_SESSION and (of > 0).sum() > 2:
        yield (
            f"One session holds {largest * 100:.0f} % of the true sounds, and each sound counts once: the share found "
            "is mostly of that one."
        )
    interval, sounds = counts.recall(threshold), int(of.sum())
    if interval and (interval.high - interval.low) / 2 > HALF_WIDTH:
        value = min(max(interval.value, 0.02), 0.98)
        cases = 1.96**2 * value * (1 - value) / HALF_WIDTH**2
        more = max(cases * sounds / max(independent_cases(found, of), 1.0), sounds)
        yield (
            f"The share found is known to ± {(interval.high - interval.low) / 2 * 100:.0f} points. For ± 5 some "
            f"{more:.0f} sounds of {more / sounds * int((of > 0).sum()):.0f} sessions like these would be needed."
        )


def _time(hours: float) -> str:
    if hours < 48:
        return f"{hours:.3g} hours"
    return f"{hours / 24:,.0f} days" if hours < 24 * 730 else f"{hours / 8766:,.0f} years"


def _rate(per_hour: float) -> str:
    return f"{per_hour:.2g} an hour" if per_hour >= 0.5 else f"{per_hour * 24:.2g} a day"
