"""How often officers came for nothing in one area, beside the whole: the question of whoever lives there."""

import difflib
import math

import numpy as np

from tocsin import TocsinError
from tocsin.evaluation.audit.metrics.links import outcome_is
from tocsin.evaluation.audit.metrics.metric import wilson
from tocsin.evaluation.audit.records import CONFIRMED, OUTCOMES, UNCONFIRMED, UNFOUNDED, Records
from tocsin.evaluation.measures.intervals import poisson_rate
from tocsin.evaluation.report.section import Cell, Section

_YEAR, _MONTH, _RESIDENTS = 365.0, 365.0 / 12, 1000.0


def area_section(records: Records, name: str) -> Section:
    """Figures of an area and of the whole, side by side.

    Raises:
        TocsinError: there is no area of that name.
    """
    areas = records.areas["area"].astype(str).tolist()
    known = sorted({*areas, *records.alerts["area"].astype(str)} - {""})
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = (
            f"did you mean {near[0]}?"
            if near
            else f"expected one of {', '.join(known[:12]) or 'none: there are no areas'}"
        )
        raise TocsinError(f"--area: there is no area {name}: {meant}")
    populations = dict(zip(areas, records.areas["population"], strict=True)) if len(areas) else {}
    everybody = float(np.nansum([*populations.values()])) if populations else math.nan
    here, whole = (
        _figures(records, of, people)
        for of, people in ((name, float(populations.get(name, math.nan))), (None, everybody))
    )
    rows: list[dict[str, Cell]] = [{"figure": key, name: here[key], "all areas": whole[key]} for key in whole]
    note = (
        f"Officers are taken to have come to every alert with a disposition. For nothing: no evidence of gunfire was "
        f"found, which does not show that there was none. {records.days:.0f} days."
    )
    return Section("area", f"How often officers came for nothing in {name}", note, rows)


def _figures(records: Records, area: str | None, people: float) -> dict[str, Cell]:
    alerts = records.alerts if area is None else records.alerts[records.alerts["area"] == area]
    shootings = records.shootings if area is None else records.shootings[records.shootings["area"] == area]
    empty = int((outcome_is(alerts, UNCONFIRMED) | outcome_is(alerts, UNFOUNDED)).sum())
    judged = int(np.any([outcome_is(alerts, outcome) for outcome in OUTCOMES], axis=0).sum())
    confirmed = int(outcome_is(alerts, CONFIRMED).sum())
    lived = people / _RESIDENTS * records.days / _YEAR
    return {
        "alerts": len(alerts),
        "alerts with a disposition": judged,
        "came for nothing": empty if judged else None,
        "came for nothing, a month": poisson_rate(empty, records.days / _MONTH) if judged else None,
        "came for nothing, a year and 1,000 residents": poisson_rate(empty, lived) if judged and lived > 0 else None,
        "share of those with a disposition": wilson(empty, judged) if judged else None,
        "confirmed, of those with a disposition": wilson(confirmed, judged) if judged else None,
        "confirmed shootings": len(shootings) if len(records.shootings) else None,
    }
