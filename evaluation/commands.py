"""``tocsin evaluate``: the standard report on weights, or the bench on anybody's recordings."""

from collections.abc import Sequence
from pathlib import Path

from tocsin.evaluation.hearing.commands import main as standard_report
from tocsin.evaluation.hearing.examples import CLIPS, LIVE_FIRE


def main(words: Sequence[str]) -> int:
    """Run ``tocsin evaluate`` with the words after the verb; returns the exit code.

    A folder of the project's own recordings gets the standard report, anything else the bench.
    """
    if any(_is_standard(word) for word in words):
        return standard_report(words)
    import typer

    from tocsin.evaluation.bench.commands import evaluate

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=evaluate.__doc__)(evaluate)
    try:
        app(args=list(words), prog_name="tocsin evaluate")
    except SystemExit as done:
        if done.code or "--help" not in words:
            raise
        print(f"Of a folder that holds {CLIPS}/manifest.csv or {LIVE_FIRE}/ instead:\n")
        return standard_report(["--help"])
    return 0


def _is_standard(word: str) -> bool:
    path = Path(word)
    return not word.startswith("-") and ((path / CLIPS / "manifest.csv").is_file() or (path / LIVE_FIRE).is_dir())
