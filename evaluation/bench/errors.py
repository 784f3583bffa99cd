"""The worst errors: the false alarms of the highest score, and the sounds missed by most."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas

FALSE_ALARM, MISSED = "false alarm", "missed"


def worst_errors(evaluation: Evaluation, most: int | None = None) -> "pandas.DataFrame":
    """Errors at the threshold, the worst first, so many of either kind at most: false alarms, then what was missed.

    Columns: ``recording``, ``path``, ``in_file_s`` (the onset from the start of that file), ``onset_s``, ``offset_s``,
    ``score`` (of what was missed the highest threshold at which it is found, NaN where it is found at none), ``error``
    (``FALSE_ALARM`` or ``MISSED``) and ``sound``: what is known to have sounded there, else of what it is a recording.
    """
    return pandas_module().concat(
        [
            describe(evaluation, false_alarms(evaluation.matched, evaluation.threshold, evaluation.one_alarm_s), most),
            describe(evaluation, _missed(evaluation), most),
        ],
        ignore_index=True,
    )


def describe(evaluation: Evaluation, events: "pandas.DataFrame", most: int | None = None) -> "pandas.DataFrame":
    """Some false alarms (with ``detections``) or missed sounds (without), as :func:`worst_errors` gives them."""
    log = evaluation.log
    shown = events.head(most) if most is not None else events
    codes = shown["recording"].cat.codes.to_numpy()
    is_alarm = "detections" in shown
    recordings = log.recordings
    starts_s = np.nan_to_num(recordings["start_s"].to_numpy(dtype=float)[codes]) if "start_s" in recordings else 0.0
    said = {
        "recording": shown["recording"].astype(str),
        "path": recordings["path"].to_numpy(dtype=str)[codes],
        "in_file_s": shown["onset_s"].to_numpy() + starts_s,
        "onset_s": shown["onset_s"],
        "offset_s": shown["offset_s"],
        "score": shown["score"] if is_alarm else shown["found_at"].replace(-np.inf, np.nan),
        "error": FALSE_ALARM if is_alarm else MISSED,
        "sound": _sounds(evaluation, codes, shown["onset_s"].to_numpy()) if is_alarm else shown["label"],
    }
    return pandas_module().DataFrame(said).reset_index(drop=True)


def _missed(evaluation: Evaluation) -> "pandas.DataFrame":
    matched = evaluation.matched
    missed = matched.found_at < evaluation.threshold
    sounds = matched.targets[missed].assign(found_at=matched.found_at[missed])
    return sounds.sort_values("found_at", kind="stable")


def _sounds(evaluation: Evaluation, codes: NDArray[np.integer[Any]], onset_s: NDArray[np.float64]) -> list[str]:
    """What sounds at some times, by the truth, else of what the recordings are."""
    truth, recordings = evaluation.log.truth, evaluation.log.recordings["label"].to_numpy(dtype=str)
    labels = truth["label"].to_numpy(dtype=str)
    of_truth = truth["recording"].cat.codes.to_numpy()
    begin_s = truth["onset_s"].to_numpy() - evaluation.collar_s
    end_s = np.fmax(truth["onset_s"], truth["offset_s"]).to_numpy() + evaluation.collar_s
    said = []
    for code, at_s in zip(codes, onset_s, strict=True):
        low, high = np.searchsorted(of_truth, [code, code + 1])
        here = (begin_s[low:high] <= at_s) & (at_s <= end_s[low:high])
        said.append(", ".join(sorted(set(labels[low:high][here]))) or recordings[code])
    return said
