"""``tocsin data``: the public sets, fetching and verifying them, their manifests, and whether data is clean."""

import csv
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from tocsin import TocsinError
from tocsin.data.checks.findings import FINDINGS, Finding, Measures, check_rows
from tocsin.data.complaints import complain
from tocsin.data.folder import read_folder
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow, read_manifest, write_manifest
from tocsin.data.public.catalogue import SETS, PublicSet, RemoteFile, find_set
from tocsin.data.public.download import ARCHIVES, fetch_file, hash_state, unpack
from tocsin.data.public.pretrained import PRETRAINED, Pretrained, fetch_pretrained, find_pretrained, pretrained_path

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help=__doc__)

SetName = Annotated[str, typer.Argument(metavar="SET", help="a name of `tocsin data list`")]
SetFolder = Annotated[Path, typer.Argument(metavar="DIR", help="where the set was fetched or unpacked to")]


@app.command("list")
def list_sets(
    format: Annotated[Literal["table", "json"], typer.Option(help="of the list on stdout")] = "table",
) -> None:
    """Public sets and pretrained weights: what they hold, size, licence. `--format json` adds addresses and hashes."""
    if format == "json":
        listed = [*map(_as_json, SETS), *map(_pretrained_as_json, PRETRAINED)]
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = Table("set", "what", "GB", "files", "classes", "hashes", "licence", title=None)
    for known in SETS:
        hashed = sum(file.known_hash is not None for file in known.files)
        table.add_row(
            known.name,
            known.title,
            "?" if known.size_gb is None else f"{known.size_gb:g}",
            "?" if known.audio_files is None else str(known.audio_files),
            known.classes,
            "by hand" if known.by_hand else f"{hashed} of {len(known.files)}",
            known.licence,
        )
    for weights in PRETRAINED:
        table.add_row(
            weights.name, weights.title, f"{weights.size_gb:g}", "1", weights.classes, "1 of 1", weights.licence
        )
    _print_table(table)


@app.command()
def fetch(
    name: SetName,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="folder to fetch to; what is there already is kept")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="compare the files with their hashes")] = True,
) -> None:
    """Download and unpack a set, or fetch pretrained weights. What was cut goes on where it was when typed again.

    Pretrained weights go to where training seeks them, if --out does not say otherwise: pretrained/ in the folder
    $TOCSIN_RECORDINGS, or in ../shared.
    """
    if name.startswith("pretrained/"):
        if not verify:
            raise typer.BadParameter("--no-verify: pretrained weights are always compared with their hash")
        _fetch_weights(find_pretrained(name), out)
        return
    known = find_set(name)
    if out is None:
        raise typer.BadParameter("a set needs --out DIR")
    if known.by_hand:
        raise TocsinError(f"{known.title} cannot be fetched by a command: {known.by_hand}, then `tocsin data manifest`")
    print(f"{known.title}, {known.licence}: {known.licence_note}", file=sys.stderr)
    paths = []
    for file in known.files:
        with _moving_bar(file) as move:
            paths.append(fetch_file(file, out / ARCHIVES, move, check=verify))
        if file.known_hash is None or not verify:
            print(f"{file.name}: not verified", file=sys.stderr)
    print("unpacking", file=sys.stderr)
    unpack(paths, out)
    print(out)
    print(f"please cite: {known.citation}", file=sys.stderr)


def _fetch_weights(known: Pretrained, out: Path | None) -> None:
    folder = out or Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"), "pretrained")
    with _moving_bar(known.file) as move:
        path = fetch_pretrained(known, folder, move)
    licence = folder / known.licence_file
    print(f"{known.title}, {known.licence} ({licence}): {known.licence_note}", file=sys.stderr)
    print(path)
    print(f"please cite: {known.citation}", file=sys.stderr)


@contextmanager
def _moving_bar(file: RemoteFile) -> Iterator[Callable[[int, int | None], None]]:
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(file.name, total=file.size_bytes)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        bar.update(task, completed=1, total=1)


@app.command()
def verify(name: SetName, folder: SetFolder) -> None:
    """A row a file of the set: ok, wrong, missing or not verified; then whether all its recordings are there.

    Of pretrained weights, whether their file is there and right.
    """
    if name.startswith("pretrained/"):
        print(f"file,state\n{pretrained_path(folder, name).name},ok")
        return
    known = find_set(name)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "state"])
    states = Counter[str]()
    for file in known.files:
        state = hash_state(file, folder / ARCHIVES / file.name)
        states[state] += 1
        writer.writerow([file.name, state])
    rows = known.read(folder)
    found = _audio_files(folder)
    state = "not verified" if known.audio_files is None else "ok" if found >= known.audio_files else "missing"
    states[state] += 1
    writer.writerow([f"recordings: {found} of {known.audio_files or 'an unknown number'}", state])
    print(f"{known.name}: {len(rows)} labelled stretches can be read", file=sys.stderr)
    # Archives may be deleted once unpacked: that they are missing fails nothing, a wrong one or lost recordings do.
    if states["wrong"] or state == "missing":
        raise typer.Exit(1)


@app.command()
def manifest(
    name: Annotated[str, typer.Argument(metavar="SET", help="a name of `tocsin data list`, or folder")],
    folder: SetFolder,
    out: Annotated[Path, typer.Option(metavar="FILE", help="manifest to write, .csv or .parquet")],
) -> None:
    """Write the manifest of a fetched set, sessions included; SET `folder` is a plain tree, a folder a class."""
    rows = read_folder(folder, complain=complain) if name == "folder" else find_set(name).read(folder)
    if name == "folder":
        print("one folder a class; a folder between class and file is a session", file=sys.stderr)
    write_manifest(rows, out)
    _print_table(_rows_table(rows))


@app.command()
def check(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST…", help="tables of docs/formats.md")],
    correlation: Annotated[float, typer.Option(min=0, max=1, help="of two waveforms that count as one sound")] = 0.9,
    format: Annotated[
        Literal["table", "csv"], typer.Option(help="table: counts a source, and the pairs; csv: a row a finding")
    ] = "table",
) -> None:
    """Duplicates (within and across sets), label conflicts, loops, clipping, band limits, silence: a table."""
    # A file that is not there is a finding, not the end of the check.
    rows = [row for path in manifests for row in read_manifest(path, check_files=False)]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("listening", total=len(rows))
        findings, measured = check_rows(rows, correlation, lambda done: bar.update(task, completed=done))
    findings.sort(key=lambda found: FINDINGS.index(found.kind))
    if format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(
            ["finding", "source", "path", "start_s", "value", "other_source", "other_path", "other_start_s"]
        )
        for found in findings:
            other = found.other
            beside = [other.source, other.path, other.start_s] if other else ["", "", ""]
            writer.writerow([found.kind, found.row.source, found.row.path, found.row.start_s, found.value, *beside])
        return
    _print_table(_summary(rows, findings, measured))
    pairs = [found for found in findings if found.kind in ("leak", "label_conflict")]
    if pairs:
        table = Table("finding", "one", "other", "value")
        for found in pairs:
            assert found.other is not None
            table.add_row(found.kind, _said(found.row), _said(found.other), found.value)
        _print_table(table)


def _said(row: ManifestRow) -> str:
    return f"{row.source}: {row.path.name} ({row.label})"


def _summary(rows: list[ManifestRow], findings: list[Finding], measured: list[Measures | None]) -> Table:
    """A row a source: rows, sample rates, median band limit, and how many rows have each finding."""
    table = Table("source", "rows", "Hz", "median band Hz", *(kind.replace("_", " ") for kind in FINDINGS))
    touched = {(found.kind, id(row)) for found in findings for row in (found.row, found.other) if row is not None}
    for source in sorted({row.source for row in rows}):
        heard = [found for row, found in zip(rows, measured, strict=True) if row.source == source and found]
        rates = sorted({found.sample_rate for found in heard})
        of_source = [row for row in rows if row.source == source]
        counts = [sum((kind, id(row)) in touched for row in of_source) for kind in FINDINGS]
        band = f"{statistics.median(found.band_limit_hz for found in heard):.0f}" if heard else ""
        said = ", ".join(map(str, rates)) if len(rates) < 3 else f"{rates[0]}…{rates[-1]}"
        table.add_row(source, str(len(of_source)), said, band, *(str(count or "") for count in counts))
    return table


def _rows_table(rows: list[ManifestRow]) -> Table:
    table = Table("class", "rows", "sessions", "hours", "labels")
    for class_name in CLASSES:
        of_class = [row for row in rows if row.class_name == class_name]
        if of_class:
            hours = sum(row.duration_s for row in of_class) / 3600
            labels = Counter(row.label for row in of_class).most_common()
            said = ", ".join(f"{label} {count}" for label, count in labels)
            sessions = len({row.group for row in of_class})
            table.add_row(class_name, str(len(of_class)), str(sessions), f"{hours:.2f}", said)
    return table


def _audio_files(folder: Path) -> int:
    return sum(path.suffix.lower() in (".wav", ".flac") for path in folder.rglob("*") if path.is_file())


def _as_json(known: PublicSet) -> dict[str, Any]:
    names = ("name", "title", "licence", "licence_note", "citation", "homepage", "sessions", "classes", "size_gb")
    about = {name: getattr(known, name) for name in (*names, "audio_files", "by_hand")}
    return {**about, "files": [vars(file) for file in known.files]}


def _pretrained_as_json(known: Pretrained) -> dict[str, Any]:
    names = ("name", "title", "licence", "licence_note", "citation", "homepage", "classes", "size_gb")
    return {**{name: getattr(known, name) for name in names}, "files": [vars(known.file)]}


def _print_table(table: Table) -> None:
    """On stdout, as wide as a terminal, or as wide as it needs in a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(80, console.measure(table, options=console.options.update(width=400)).maximum))
    console.print(table)
