"""An audit as a page that a council member reads in five minutes: answers first, then tables, methods and hashes."""

import platform

from tocsin import __version__
from tocsin.evaluation.audit import answers
from tocsin.evaluation.audit.auditing import Audit, problem_section, read_section, sensitivity_section
from tocsin.evaluation.audit.public import CELL_M, publish
from tocsin.evaluation.audit.words import ends_of, value
from tocsin.evaluation.report.page import Answer, Page
from tocsin.evaluation.report.section import Cell, Section


def page_of(found: Audit, public: bool = False, area: Section | None = None) -> Page:
    """The page of an audit; ``public`` without anything that leads to a person; ``area`` is a table of one area.

    Raises ``TocsinError`` where matplotlib is missing.
    """
    shown = publish(found) if public else found
    records = shown.records
    facts = [("Note", records.notes[0].partition(". ")[0].rstrip(".") + ".")] if records.notes else []
    facts += [("Period", shown.period)]
    facts += [(name.capitalize(), f"{len(getattr(records, name)):,}") for name in ("alerts", "calls", "shootings")]
    facts += [("Version", "public: places in cells, small counts withheld" if public else "for analysts, not public")]
    return Page(
        title=_title(shown),
        lead=lead(shown),
        facts=facts,
        answers=all_answers(found, shown, public, area),
        sections=tables(shown),
        methods=_methods(shown, public),
        provenance=[
            ("Tocsin", __version__),
            ("Python", platform.python_version()),
            *((f"SHA-256 of {name}", digest) for name, digest in records.sources.items()),
        ],
    )


def all_answers(found: Audit, shown: Audit, public: bool, area: Section | None) -> list[Answer]:
    """Every question that the records can answer, and what they cannot; ``shown`` is what may be shown of ``found``.

    Outcomes by source and medians of arrivals come of the exact records: they are figures of many.
    """
    return answers.shown(
        [
            answers.right(found, public),
            answers.definitions(shown),
            answers.baseline(shown),
            answers.missed(shown),
            answers.alone(shown),
            answers.fast(found, public),
            answers.for_nothing(shown),
            answers.in_area(area) if area is not None else None,
            answers.costs(shown),
            answers.when(shown),
            answers.where(shown, public),
            answers.not_shown(shown),
        ]
    )


def tables(found: Audit) -> list[Section]:
    """All tables for analysts, those of the records' faults and notes among them."""
    notes: list[dict[str, Cell]] = [{"note": note} for note in (*found.records.notes, *found.matches.notes)]
    moves = sensitivity_section(found)
    return [
        *found.sections,
        *([moves] if moves else []),
        read_section(found),
        problem_section(found),
        Section("notes", "Notes on the records and the matching", "" if notes else "There are none.", notes),
    ]


def lead(found: Audit) -> str:
    """The answer in a sentence or two."""
    alerts, shootings = len(found.records.alerts), len(found.records.shootings)
    days = f"in {found.records.days:,.0f} days"
    if not alerts:
        return (
            f"{shootings:,} confirmed shootings {days}. These records hold no alerts, so they say nothing of how often "
            "a system is right, of what it misses, or of what it costs."
        )
    said = [f"{alerts:,} alerts {days}."]
    confirmed = found.metrics.get("confirmed_of_all")
    if confirmed is None:
        said.append("These records do not say how many were right.")
    else:
        said.append(
            f"For {value(confirmed)} of them evidence of gunfire was found ({ends_of(confirmed.value)}, 95 % interval)."
        )
    heard, told = found.metrics.get("recall_all"), found.metrics.get("called_all")
    if heard is not None:
        more = f", {value(told)} a call to 911" if told else ""
        said.append(f"Of confirmed shootings {value(heard)} had an alert{more}.")
    return " ".join(said)


def _title(found: Audit) -> str:
    records = found.records
    for name, words in (("alerts", "alerts"), ("calls", "calls to 911"), ("shootings", "confirmed shootings")):
        number = len(getattr(records, name))
        if number:
            return f"What came of {number:,} {words}"
    return "What the records say"


def _methods(found: Audit, public: bool) -> list[tuple[str, str]]:
    methods = [
        (
            "Matching",
            f"One to one, as many pairs as there can be and of those the nearest: {found.matches.tolerances}.",
        ),
        (
            "Outcomes",
            "Confirmed: evidence of gunfire (victim, casing, damage, weapon, video, credible witness). Unconfirmed: "
            "none found. Unfounded: shown to have been something else. They are never merged.",
        ),
        ("Shares", "Wilson score interval, 95 % (Wilson 1927)."),
        ("Rates", "Poisson counts, widened by how much days differ; exact (Garwood 1936) where nothing is clustered."),
        ("Times", "Medians and quantiles with order statistics, never means: a few forgotten entries rule those."),
    ]
    if public:
        methods.append(
            (
                "Public version",
                f"Figures are those of the exact records. The map counts cells of {CELL_M:.0f} m or more and leaves "
                "blank those with fewer than 5 alerts; areas and figures with fewer than 5 cases are withheld; ids, "
                "addresses, free text and unknown columns are left out.",
            )
        )
    return methods
