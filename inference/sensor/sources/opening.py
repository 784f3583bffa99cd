"""The source that an address stands for, as it is typed or stands in a settings file."""

import difflib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.sound import is_folder
from tocsin.inference.sensor.sources.block import Source
from tocsin.inference.sensor.sources.files import Files
from tocsin.inference.sensor.sources.network import NetworkStream
from tocsin.inference.sensor.sources.retrying import Retrying
from tocsin.inference.sensor.sources.sound_card import SoundCard
from tocsin.inference.sensor.sources.standard_input import StandardInput
from tocsin.inference.sensor.sources.watched_folder import SETTLE_S, WatchedFolder

EXPECTED = (
    "device: for the default microphone, device:NAME or device:NUMBER, - for standard input, a file or folder, "
    "watch:FOLDER, or rtsp://, http:// or https://"
)
_STREAMS = ("rtsp", "rtsps", "http", "https", "icecast")
_KINDS = ("device", "watch", *_STREAMS)
# How other programs call a sound card.
_CARDS = ("hw", "plughw", "default", "sysdefault", "alsa", "pulse", "pipewire", "mic", "microphone")
# A user and a password, in what was meant for a stream.
_BEFORE_HOST = re.compile(r"[^/\s]*@")


@dataclass(frozen=True)
class SourceOptions:
    """What may be said of a source beside its address; each is used by those that it concerns.

    Attributes:
        sample_rate: Hz, of a sound card, where its own is not wanted, and of standard input, where it must be stated.
        channels: how many, of a sound card and of standard input.
        coding: of standard input, one of ``CODINGS``.
        stated_s: when the one file began, seconds since 1970.
        zone: of times in the names of files that do not say theirs.
        real_time: whether files come as slowly as from a microphone.
        state: the file that remembers what was heard of a watched folder.
        settle_s: seconds without a change after which a file in it is finished.
        patience_s: seconds without sound after which a stream is given up.
    """

    sample_rate: int | None = None
    channels: int | None = None
    coding: str = "s16le"
    stated_s: float | None = None
    zone: tzinfo = UTC
    real_time: bool = False
    state: Path | None = None
    settle_s: float = SETTLE_S
    patience_s: float = 10.0


def open_source(
    address: str,
    options: SourceOptions | None = None,
    complain: Callable[[str], None] = lambda sentence: None,
    stop: threading.Event | None = None,
) -> Source:
    """The source of an address; nothing is opened before its ``blocks`` are asked for.

    Args:
        address: see ``EXPECTED``.
        options: what else is said of it.
        complain: called with a sentence about what goes on nevertheless.
        stop: ends the waiting for a source that is lost.

    Returns:
        A :class:`~tocsin.inference.sensor.sources.retrying.Retrying` for what can be lost and come back.

    Raises:
        TocsinError: the address is of no kind that is known, or an option does not fit it.
    """
    chosen = options or SourceOptions()
    kind, colon, rest = address.partition(":")
    if address == "-":
        if chosen.sample_rate is None:
            raise TocsinError("standard input has no rate of its own: state it in Hz")
        return StandardInput(chosen.sample_rate, chosen.channels or 1, chosen.coding)
    if colon and kind == "device":
        named = int(rest) if rest.isascii() and rest.isdigit() and len(rest) < 6 else rest.strip() or None
        lasting: Source = SoundCard(named, chosen.sample_rate, chosen.channels)
    elif colon and kind == "watch":
        lasting = _watched(rest, chosen, complain)
    elif kind.lower() in _STREAMS and rest.startswith("//"):
        lasting = NetworkStream(address, chosen.patience_s)
    else:
        if not _exists(address):
            raise TocsinError(_near_miss(address, kind, colon))
        return Files([address], chosen.stated_s, chosen.zone, chosen.real_time, complain)
    return Retrying(lasting, complain, None if stop is None else stop.wait)


def _watched(folder: str, chosen: SourceOptions, complain: Callable[[str], None]) -> WatchedFolder:
    if not folder:
        raise TocsinError("watch: names no folder: expected such as watch:/media/recorder")
    if _exists(folder) and not is_folder(Path(folder)):
        raise TocsinError(f"{folder} is a file where a folder to watch was expected: give it without watch:")
    return WatchedFolder(folder, chosen.state, chosen.zone, chosen.settle_s, complain)


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except OSError:  # a name too long for the file system
        return False


def _near_miss(address: str, kind: str, colon: str) -> str:
    """One sentence on an address that is none; of one that may hold a password no more than its beginning."""
    near = difflib.get_close_matches(kind.lower(), _KINDS, 1, 0.7)
    if colon and kind.lower() in _CARDS:
        return f"{kind}: is no kind of source: for a sound card type device:{address}, as `--list-devices` names it"
    if not colon and kind.lower() in _CARDS:
        return f"{address} is no file: for the default microphone type device:"
    # USER:PASSWORD@HOST without a kind shows not even its user, which may be a key.
    if colon and kind.isalpha() and (near or not _BEFORE_HOST.match(address)):
        if kind.lower() == "file":
            return "file: is no kind of source: give the path alone"
        meant = f'did you mean "{near[0]}{"://" if near[0] in _STREAMS else ":"}"? ' if near else ""
        return f"{kind}: is no kind of source: {meant}Expected {EXPECTED}"
    shown = _BEFORE_HOST.sub("…@", address)
    named = f'"{shown}" is no file or folder that is there' if address else "no source is named"
    return f"{named}: expected {EXPECTED}"
