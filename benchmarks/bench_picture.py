"""The picture of a comparison report in README: the shipped weights against YAMNet on clips that neither met.

    python benchmarks/bench_picture.py --recordings ../shared --out out/comparison

The clips are those of sessions that the shipped weights never met, ten of a session at most: one session of 114 would
be most of the answer. It writes their manifest, runs `tocsin evaluate … --against configs/adapters/yamnet.toml` on it,
and photographs the page in Debian's chromium. Needs `ai-edge-litert` and selenium (dependency group dev).
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.manifests import write_manifest
from tocsin.evaluation.commands import main as evaluate
from tocsin.evaluation.hearing.examples import clip_rows
from tocsin.evaluation.judging.judges import Judges

MOST = 10
ROOT = Path(__file__).parents[1]
ADAPTER = ROOT / "configs/adapters/yamnet.toml"


def main() -> int:
    """Compare, write and photograph; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/")
    parser.add_argument("--out", type=Path, default=Path("out/comparison"))
    parser.add_argument("--height", type=int, default=1180, help="of the picture, pixels")
    options = parser.parse_args()
    judges, taken = Judges(), Counter[str]()
    rows = []
    for row in clip_rows(options.recordings):
        if judges.may_judge(row.group) and taken[row.group] < MOST:
            taken[row.group] += 1
            rows.append(row)
    options.out.mkdir(parents=True, exist_ok=True)
    manifest, page = options.out / "clips.csv", options.out / "report.html"
    try:
        write_manifest(rows, manifest)
        evaluate([str(manifest), "--against", str(ADAPTER), "--recall", "0.9", "--report", str(page)])
    except TocsinError as error:
        print(f"bench_picture: {error}", file=sys.stderr)
        return 1
    except SystemExit as done:  # how typer says that it is done
        if done.code:
            return 1
    photograph(page, options.out / "report.png", options.height)
    return 0


def photograph(page: Path, picture: Path, height: int) -> None:
    """The top of a page as a browser shows it."""
    sys.path.append(str(ROOT / "tests/helpers"))
    from browser import chromium

    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile), 900, height) as driver:
        driver.get(page.resolve().as_uri())
        driver.save_screenshot(str(picture))
    print(f"wrote {picture}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
