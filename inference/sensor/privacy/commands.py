"""``tocsin log``: check the log of a sensor's clips, make the keys that seal them, and open them."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.inference.field_types import format_time
from tocsin.inference.sensor.privacy.age_header import CannotUnseal
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.keys import make_identity, recipient_of
from tocsin.inference.sensor.privacy.log_lines import Head
from tocsin.inference.sensor.privacy.log_lines import verify as verify_log
from tocsin.inference.sensor.privacy.sealed import unseal

_LARGEST_CLIP = 1 << 26
_LARGEST_KEY_FILE = 1 << 16

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="What became of a sensor's clips: check its log, make keys that seal clips, open a sealed clip.",
)


@app.command()
def verify(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="the log of a sensor")],
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="one that was published earlier: the log must go on from it"),
    ] = None,
) -> None:
    """Check that no line of a log was changed, left out or put between; exit code 1 names the first that was.

    A log by itself cannot show that its end was cut off, or that it was written anew: --head can.
    """
    found = verify_log(log, None if head is None else Head.parse(head))
    if found.torn:
        raise TocsinError(
            f"{log}, line {found.head.number + 1}: expected the end of the line, found that of the file: "
            "it was cut off, or is being written now; after a loss of power the sensor says so itself when it starts"
        )
    print(f"{log}: {found.head.number} lines, each follows from the one before; its head is")
    print(found.head)
    for what, count in sorted(found.counts.items()):
        print(f"{count:7d}  {what}")
    if head is None:
        complain("nothing was compared with a published head: a cut end would not be seen; give --head NUMBER:HASH")


@app.command()
def keygen(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="for the secret key; default: stdout")] = None,
) -> None:
    """Make a secret key, which opens clips, and its public key, which seals them; also for `age` and `rage`.

    Make it on the machine that shall open clips, and give the sensor the public key alone. Whoever loses the secret key
    loses the clips. With --out the public key is printed.
    """
    identity = make_identity()
    recipient = recipient_of(identity)
    made = format_time(datetime.now(UTC), "seconds")
    content = f"# created: {made}\n# public key: {recipient}\n{identity}\n"
    if out is None:
        print(content, end="")
        return
    _write_new(out, content.encode())
    print(recipient)


@app.command("open")
def open_clip(
    clip: Annotated[Path, typer.Argument(metavar="CLIP.age", help="a sealed clip")],
    identity: Annotated[Path, typer.Option(metavar="FILE", help="with the secret key, of `tocsin log keygen`")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="default: the clip's name without .age")] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="a log in which to say that it was opened; made where it is not there"),
    ] = None,
) -> None:
    """Open a sealed clip with the secret key, into a file for its owner alone. No file is ever written over."""
    if out is None:
        if clip.suffix != ".age":
            raise TocsinError(f"{clip} has no ending .age to leave out: give --out FILE")
        out = clip.with_suffix("")
    _refuse_to_replace(out)
    sealed = _read(clip, _LARGEST_CLIP)
    lines = _read(identity, _LARGEST_KEY_FILE).decode("utf-8", "replace").splitlines()
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise TocsinError(f"{identity} has no secret key: expected a line AGE-SECRET-KEY-1…")
    try:
        content = unseal(sealed, keys)
    except CannotUnseal as error:
        raise TocsinError(f"{clip} cannot be opened: {error}") from None
    except TocsinError as error:
        raise TocsinError(f"{identity}: {error}") from None
    if log is not None:  # before there is anything to hear
        with ChainedLog(log, complain) as chain:
            chain.append("clip_opened", clip=clip.name[:64], bytes=len(content))
    _write_new(out, content)
    print(out)


def _read(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise TocsinError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > largest:
        raise TocsinError(f"{path} is larger than {largest} bytes: it is no such file")
    return content


def _write_new(path: Path, content: bytes) -> None:
    """A file for its owner alone, where there was none."""
    _refuse_to_replace(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise TocsinError(f"{path}: cannot be written: {error.strerror or error}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _refuse_to_replace(path: Path) -> None:
    if path.exists():
        raise TocsinError(f"{path} is there already: give another name, nothing is written over")
