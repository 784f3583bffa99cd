"""``tocsin evaluate``: the standard report on stdout, figures and both formats in a folder."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tocsin import TocsinError, __version__
from tocsin.evaluation.hearing.alarm_sections import (
    alarms_by_label,
    alarms_by_place,
    false_alarms,
    operating_points,
    two_sensors,
)
from tocsin.evaluation.hearing.evidence import Evidence, gather
from tocsin.evaluation.hearing.plots import write_plots
from tocsin.evaluation.hearing.sections import (
    by_distance,
    by_position,
    by_snr,
    by_source,
    calibration,
    confusion,
    hard_negatives,
    open_set,
)
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.report.section import Section
from tocsin.evaluation.report.svg import require_matplotlib

DESCRIPTION = """How well does Tocsin hear? The standard report, on recordings that the judging weights never met.

Of several weights the first whose card says that it held a recording's session out for test judges it, else the first
that was neither trained nor validated on the session. What all have met is left out and counted."""


def main(words: Sequence[str]) -> int:
    """Run ``tocsin evaluate`` with the words after the verb; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tocsin evaluate", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, help="folder that holds clips/, live-fire/pittsburgh-2018/ or both")
    said = ".onnx files or names of shipped weights, the preferred first (default: tocsin-l)"
    parser.add_argument("--weights", nargs="+", default=[], metavar="ONNX", help=said)
    said = "sounds to show as of no taught class, besides those that the judging weights were not trained on"
    parser.add_argument("--open-set", nargs="+", default=[], metavar="LABEL", help=said)
    said = "folder for report.md, report.json and the figures (needs the extra analysis)"
    parser.add_argument("--out", type=Path, help=said)
    parser.add_argument("--format", choices=["markdown", "json"], default="markdown", help="of the report on stdout")
    said = "recordings heard at once, a thread each (default: the number of cores); the report is the same for any"
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help=said)
    options = parser.parse_args(words)
    if options.workers < 1:
        raise TocsinError(f"--workers is {options.workers}, expected 1 or more")
    if options.out is not None:
        require_matplotlib(", or leave out --out")
    evidence = gather(options.recordings, Judges(options.weights), options.open_set, options.workers)
    sections = sections_of(evidence)
    shown = {"markdown": as_markdown(evidence, sections), "json": as_json(evidence, sections)}
    if options.out is not None:
        written = write_plots(evidence, options.out)
        for name, ending in (("markdown", "md"), ("json", "json")):
            written.append(options.out / f"report.{ending}")
            written[-1].write_text(shown[name], encoding="utf-8")
        print("wrote " + ", ".join(map(str, written)), file=sys.stderr)
    sys.stdout.write(shown[options.format])
    return 0


def sections_of(evidence: Evidence) -> list[Section]:
    """All sections for which there are recordings, in the order of the report."""
    found = []
    if evidence.clips.examples:
        found += [by_source(evidence.clips), confusion(evidence.clips), hard_negatives(evidence.clips)]
    if evidence.windows.examples:
        found += [by_position(evidence.windows), by_distance(evidence.windows), by_snr(evidence.windows)]
    found.append(calibration(evidence.clips, evidence.windows, evidence.weights))
    if any(evidence.open_set):
        found.append(open_set(evidence.clips.take(evidence.open_set)))
    heard = evidence.heard
    if heard.stretches:
        points = operating_points(heard, evidence.threshold)
        found += [
            false_alarms(heard, evidence.clips.thresholds),
            alarms_by_place({name: (heard, threshold) for name, threshold in points.items()}),
            alarms_by_label(heard),
        ]
        confirmed = two_sensors(heard, points)
        found += [confirmed] if confirmed else []
    return found


def as_markdown(evidence: Evidence, sections: Sequence[Section]) -> str:
    """The report for people."""
    names = ", ".join(evidence.weights)
    lines = [
        f"# How well does Tocsin hear?\n\nTocsin {__version__}; weights in order of preference: {names}. No recording "
        f"is judged by weights that met its session: {len(evidence.clips.examples)} clips and "
        f"{len(evidence.windows.examples)} windows of live fire; left out, because all weights met them: "
        f"{evidence.clips_left_out} clips and {evidence.tests_left_out} tests of live fire.\n"
    ]
    return "\n".join([*lines, *(section.markdown() for section in sections)])


def as_json(evidence: Evidence, sections: Sequence[Section]) -> str:
    """The report for programs: a key a section, whose ``rows`` are the table."""
    report = {
        "schema_version": 1,
        "tocsin": __version__,
        "weights": list(evidence.weights),
        "clips": len(evidence.clips.examples),
        "clips_left_out": evidence.clips_left_out,
        "live_fire_windows": len(evidence.windows.examples),
        "live_fire_tests_left_out": evidence.tests_left_out,
        "sections": {section.key: section.plain() for section in sections},
    }
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
