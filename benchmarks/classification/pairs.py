"""Every fold of a first network joined with every fold of a second: judges of all recordings for two stages.

    python benchmarks/classification/pairs.py --first weights/fold?.onnx --second weights/l-fold?.onnx --out out/pairs

The folds of two networks may be of other deals of the same sessions. Of all pairs there is then one for each session
that neither network of it met, and a report finds it by the cards: give it all the files that are written here.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.training.stages import join


def main() -> int:
    """Join and write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, nargs="+", required=True, help=".onnx files asked in every window")
    parser.add_argument("--second", type=Path, nargs="+", required=True, help=".onnx files asked where those suspect")
    parser.add_argument("--ask-from", type=float, default=0.05, help="gunshot probability from which these are asked")
    parser.add_argument("--weight", type=float, default=2 / 3, help="of the second in the mean")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    options = parser.parse_args()
    pairs = [(first, second) for first in options.first for second in options.second]
    try:
        for first, second in track(pairs, "joining", console=Console(stderr=True), transient=True):
            path = options.out / f"{first.stem}-{second.stem}.onnx"
            join(first, second, options.ask_from, options.weight, path, name="tocsin-l")
    except TocsinError as error:
        print(f"pairs: {error}", file=sys.stderr)
        return 1
    print(f"{len(pairs)} files in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
