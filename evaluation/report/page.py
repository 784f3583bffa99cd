"""What a report's page says, before anybody decides how it looks: answers first, then errors, tables and methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.evaluation.report.section import Section
from tocsin.evaluation.report.sounds import Excerpt


@dataclass(frozen=True)
class Figure:
    """A drawing, as ``evaluation.report.svg`` makes it, with its caption and the numbers behind it."""

    svg: str
    caption: str
    data: Section | None = None


@dataclass(frozen=True)
class Answer:
    """A question in plain words and the figure that answers it.

    ``interval`` says how sure the figure is, ``definition`` what it counts, ``caveat`` what it does not say;
    ``sections`` are the tables that belong to it.
    """

    question: str
    answer: str
    interval: str
    definition: str
    figure: Figure | None = None
    sections: Sequence[Section] = ()
    caveat: str = ""


@dataclass(frozen=True)
class ErrorClip:
    """One error to hear and to see: ``what`` went wrong, ``score`` in words; ``details`` are names and values."""

    title: str
    what: str
    score: str
    excerpt: Excerpt
    details: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Page:
    """All of a page: ``lead`` is the answer in one sentence.

    ``facts``, ``methods`` and ``provenance`` are names with values. ``errors`` come worst first.
    ``provenance`` are the hashes and versions that the figures depend on.
    """

    title: str
    lead: str
    facts: Sequence[tuple[str, str]] = ()
    answers: Sequence[Answer] = ()
    errors: Sequence[ErrorClip] = ()
    sections: Sequence[Section] = ()
    methods: Sequence[tuple[str, str]] = ()
    provenance: Sequence[tuple[str, str]] = ()

    def tables(self) -> Iterator[Section]:
        """Every table of the page and the numbers behind every figure, in their order."""
        for answer in self.answers:
            if answer.figure and answer.figure.data:
                yield answer.figure.data
            yield from answer.sections
        yield from self.sections
