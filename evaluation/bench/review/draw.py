"""Drawing: which alarms and which pieces of quiet time are to be heard, each with its weight."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.review.allocation import Figure, allocate, importance
from tocsin.evaluation.bench.review.strata import lower_edges, stratum_of

if TYPE_CHECKING:
    import pandas

Design = Literal["random", "balanced", "optimal"]
Pilot = tuple[NDArray[np.float64], NDArray[np.bool_]]
COLUMNS = (
    *("id", "kind", "stratum", "stratum_from", "population", "drawn", "weight", "score", "at_or_above"),
    *("recording", "onset_s", "length_s", "sensor_id", "start_time_utc", "label", "design", "figure", "seed"),
)


def guessed(
    scores: NDArray[np.float64], strata: NDArray[np.intp], count: int, pilot: Pilot | None
) -> NDArray[np.float64]:
    """A guess of the share of true alarms in each stratum, shape ``(count,)``.

    Of a pilot's scores and whether each was true, with half an answer of either kind added; else, and where the pilot
    has none, the mean score, taken for a probability.

    Raises:
        TocsinError: the scores are no probabilities, and there is no pilot.
    """
    if pilot is None and (scores.min() < 0 or scores.max() > 1):
        raise TocsinError(
            f"the scores run from {scores.min():g} to {scores.max():g} and are no probabilities, so nothing says how "
            "often an alarm is true: give --pilot with a first sample and its answers, or --design balanced"
        )
    edges = np.array([scores[strata == place].min() for place in range(count)])
    said = np.bincount(strata, scores, count) / np.bincount(strata, minlength=count)
    if pilot is None:
        return said
    places = np.clip(stratum_of(pilot[0], edges), 0, count - 1)
    heard, true = np.bincount(places, minlength=count), np.bincount(places, pilot[1], count)
    overall = (true.sum() + 0.5) / (heard.sum() + 1)
    return np.where(heard > 0, (true + 0.5) / (heard + 1), overall)


def draw_sample(
    alarms: "pandas.DataFrame",
    number: int,
    seed: int,
    design: Design = "balanced",
    figure: Figure | None = None,
    strata: int = 6,
    pilot: Pilot | None = None,
    quiet: "tuple[pandas.DataFrame, int] | None" = None,
) -> "pandas.DataFrame":
    """A sample of ``alarms_of`` a log, a row a clip in random order, columns ``COLUMNS``.

    Args:
        alarms: the population.
        number: alarms to draw; all, where there are no more.
        seed: of the random numbers: the same gives the same sample.
        design: ``random`` without strata, ``balanced`` with equally many of each stratum, ``optimal`` for a figure.
        figure: what is to be told; its threshold begins a stratum. ``optimal`` needs one.
        strata: how many.
        pilot: what ``guessed`` takes.
        quiet: pieces of ``quiet_pieces``, and how many of them to draw.

    Raises:
        TocsinError: the clips are too few for the strata, or as ``guessed``.
    """
    pandas, rng = pandas_module(), np.random.default_rng(seed)
    scores = alarms["score"].to_numpy(np.float64)
    cut = figure.threshold if figure and design != "random" else None
    edges = lower_edges(scores, 1 if design == "random" else strata, cut)
    places = stratum_of(scores, edges)
    sizes = np.bincount(places, minlength=len(edges))
    weights = np.ones(len(edges))
    if design == "optimal":
        if figure is None:
            raise TocsinError("an optimal sample is optimal for a figure: add --for precision@0.9, or another")
        weights = importance(figure, edges, sizes, guessed(scores, places, len(edges), pilot))
    drawn = allocate(sizes, weights, number)
    parts = []
    for place, count in enumerate(drawn):
        chosen = alarms.iloc[np.sort(rng.choice(np.flatnonzero(places == place), count, replace=False))].copy()
        chosen["kind"], chosen["stratum"], chosen["stratum_from"] = "alarm", f"s{place + 1}", edges[place]
        chosen["population"], chosen["drawn"], chosen["weight"] = sizes[place], count, sizes[place] / count
        parts.append(chosen)
    if quiet is not None:
        pieces, wanted = quiet
        count = min(wanted, len(pieces))
        chosen = pieces.iloc[np.sort(rng.choice(len(pieces), count, replace=False))].copy()
        chosen["kind"], chosen["stratum"] = "quiet", "quiet"
        chosen["population"], chosen["drawn"], chosen["weight"] = len(pieces), count, len(pieces) / max(count, 1)
        parts.append(chosen)
    sample = pandas.concat(parts, ignore_index=True)
    sample = sample.iloc[rng.permutation(len(sample))].reset_index(drop=True)
    # Places in a random order: neither a name nor a neighbour tells the score.
    sample["id"] = [f"c{place + 1:0{len(str(len(sample)))}d}" for place in range(len(sample))]
    sample["design"], sample["figure"], sample["seed"] = design, str(figure) if figure else "", seed
    return sample.reindex(columns=[name for name in COLUMNS if name in sample or name in ("length_s", "score")])
