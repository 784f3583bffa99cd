"""The page on which people listen: one HTML file that holds all clips of a sample, and asks no network for anything."""

import json
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.evaluation.bench.review.answers import sample_hash
from tocsin.evaluation.bench.review.clips import make_clip
from tocsin.evaluation.report.templating import jinja_module

if TYPE_CHECKING:
    import pandas

_TEMPLATES = "template"


def review_page(
    sample: "pandas.DataFrame",
    folder: Path,
    before_s: float = 1.0,
    after_s: float = 2.0,
    low_pass_hz: float | None = None,
    show_score: bool = False,
    complain: Callable[[str], None] = lambda sentence: None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = lambda rows: rows,
) -> str:
    """The page of a sample whose recordings lie in ``folder``, as HTML.

    A clip goes from ``before_s`` before an onset to ``after_s`` behind it; a piece of quiet time is whole. One that
    cannot be read is told to ``complain``, and shown without sound. ``track`` wraps the rows, to show progress.

    Raises:
        TocsinError: jinja2 or matplotlib is not installed.
    """
    jinja2 = jinja_module("pages need")
    clips = []
    for row in track(list(sample.itertuples())):
        clip: dict[str, Any] = {"id": row.id, "quiet": row.kind == "quiet", "audio": "", "image": "", "gain_db": 0}
        begin = row.onset_s if clip["quiet"] else max(0.0, row.onset_s - before_s)
        length = row.length_s if clip["quiet"] else row.onset_s + after_s - begin
        if show_score and not clip["quiet"]:
            clip["score"] = round(float(row.score), 3)
        try:
            audio = read_audio(folder / row.recording, start_s=begin, duration_s=length)
        except TocsinError as error:
            complain(f"clip {row.id} has no audio: {error}")
        else:
            clip |= make_clip(audio, low_pass_hz)._asdict()
            clip["onset"] = None if clip["quiet"] else round((row.onset_s - begin) / audio.duration_s, 4)
            clip["length_s"] = round(float(np.float64(audio.duration_s)), 3)
        clips.append(clip)
    # "<" is written as \u003c, so that nothing in a name ends the script.
    held = json.dumps({"sample": sample_hash(sample), "clips": clips}).replace("<", "\\u003c")
    parts = {name: (files(__package__) / _TEMPLATES / name).read_text("utf-8") for name in ("review.css", "review.js")}
    template = (files(__package__) / _TEMPLATES / "review.html").read_text("utf-8")
    return str(
        jinja2.Environment(autoescape=True)
        .from_string(template)
        .render(css=parts["review.css"], js=parts["review.js"], held=held, low_pass_hz=low_pass_hz)
    )
