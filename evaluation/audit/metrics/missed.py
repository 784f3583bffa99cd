"""Confirmed shootings that no alert came for, by severity, and the rate that contracts promise."""

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.audit.metrics.holidays import in_fireworks_window
from tocsin.evaluation.audit.metrics.links import Links, column, covered
from tocsin.evaluation.audit.metrics.location import ACCURATE_M, errors_m
from tocsin.evaluation.audit.metrics.metric import Metric, share_metric
from tocsin.evaluation.audit.records import SEVERITIES, Records

SERIOUS = ("fatal", "injury")


def missed_metrics(records: Records, links: Links) -> list[Metric]:
    """Missed of all and of contract-eligible shootings, and recall of all, of serious ones and by severity."""
    heard = links.shooting_alerted
    if heard is None:
        return []
    shootings = records.shootings
    inside = covered(records, shootings)
    known = inside & ~np.isnan(heard)
    outside, unknown = int((~inside).sum()), int((inside & np.isnan(heard)).sum())
    caveat = " ".join(
        [f"{outside} shootings where or when the system did not listen are left out."] * (outside > 0)
        + [f"{unknown} shootings are left out, as the records do not say."] * (unknown > 0)
    )
    metrics = _missed("missed", "missed, of all", "confirmed shootings", known, heard, caveat)
    eligible = _eligible(records)
    if eligible is not None:
        said = "The contract counts outdoor, unsuppressed gunfire alone."
        words = "confirmed shootings that the contract counts"
        metrics += _missed("missed_eligible", "missed, of contract-eligible", words, known & eligible, heard, said)
    groups = {"all": known}
    severity = column(shootings, "severity")
    if severity is not None:
        groups["serious (killed or hurt)"] = known & severity.isin(SERIOUS).to_numpy(dtype=bool)
        for one in SEVERITIES:
            groups[one] = known & (severity == one).fillna(False).to_numpy(dtype=bool)
    for name, chosen in groups.items():
        key = name.split(" ")[0]
        words = "confirmed shootings" if name == "all" else f"confirmed shootings, {name}"
        metrics += share_metric(
            f"recall_{key}", f"alerted, {name}", int(heard[chosen].sum()), int(chosen.sum()), "with an alert", words,
            "Share of the confirmed shootings that an alert came for.",
        )  # fmt: skip
        if links.shooting_called is not None:
            told = chosen & ~np.isnan(links.shooting_called)
            metrics += share_metric(
                f"called_{key}", f"called in to 911, {name}", int(links.shooting_called[told].sum()), int(told.sum()),
                "with a call to 911", words, "Share of the confirmed shootings that somebody called 911 about.",
            )  # fmt: skip
    return metrics


def contract_metrics(records: Records, links: Links) -> list[Metric]:
    """Accurately located / (accurately located + not detected + mislocated), with and without the fireworks windows."""
    heard = links.shooting_alerted
    distances = errors_m(records, links)
    if heard is None or np.isnan(distances).all():
        return []
    eligible = _eligible(records)
    caveat = "False alerts have no place in this formula."
    counted = covered(records, records.shootings)
    if eligible is None:
        caveat += " Nothing says which shootings the contract counts: all do here."
    else:
        counted &= eligible
    unplaced = int((counted & (heard == 1) & np.isnan(distances)).sum())
    if unplaced:
        caveat += f" {unplaced} shootings with an alert are left out, as a place is missing."
    counted &= (heard == 0) | ((heard == 1) & ~np.isnan(distances))
    ordinary = ~in_fireworks_window(records.shootings["time_utc"], records.time_zone)
    metrics = []
    for key, title, said, chosen in (
        ("contract_performance", "contract performance rate", "", counted),
        (
            "contract_performance_ordinary", "contract performance rate, as contracts count it",
            " Shootings within 48 hours of New Year's Day and 4 July are left out.", counted & ordinary,
        ),
    ):  # fmt: skip
        right = int((chosen & (heard == 1) & (distances <= ACCURATE_M)).sum())
        metrics += share_metric(
            key, title, right, int(chosen.sum()), "located within 25 m",
            "shootings located within 25 m, farther off, or not detected",
            "Accurately located / (accurately located + not detected + mislocated)." + said, caveat,
        )  # fmt: skip
    return metrics


def _missed(
    key: str, title: str, words: str, chosen: NDArray[np.bool_], heard: NDArray[np.float64], caveat: str
) -> list[Metric]:
    missed = int((heard[chosen] == 0).sum())
    definition = f"Share of the {words} that no alert came for."
    return share_metric(key, title, missed, int(chosen.sum()), "without an alert", words, definition, caveat)


def _eligible(records: Records) -> NDArray[np.bool_] | None:
    said = column(records.shootings, "contract_eligible")
    return None if said is None else np.asarray(said.astype("boolean").fillna(False).to_numpy(dtype=bool))
