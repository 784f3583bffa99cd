"""How all commands say what is wrong while they go on."""

import sys


def complain(sentence: str) -> None:
    """One sentence on stderr."""
    print(f"tocsin: {sentence}", file=sys.stderr)
