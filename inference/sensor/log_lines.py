"""Lines of the log on stderr: time, level and a sentence; or an object of JSON a line. No passwords of addresses."""

import json
import logging
import re
import sys
import time
from typing import Literal, TextIO

NAME = "tocsin.sensor"
# //name:password@host, as cameras and brokers are addressed, in whosever message; greedy, for a password may hold @.
_USER_INFO = re.compile(r"//[^\s/]*@")


def log_to(format: Literal["plain", "json"] = "plain", stream: TextIO | None = None) -> logging.Logger:
    """Open the log of this process, in place of one that is open.

    Its methods ``info``, ``warning`` and ``error`` take a sentence, so each serves wherever a ``complain`` is asked.

    Args:
        format: ``plain`` (``2026-01-01T00:00:00.123Z warning: sentence``) or ``json`` (``time_utc``, ``level``,
            ``text``).
        stream: where to; stderr by default.
    """
    log = logging.getLogger(NAME)
    for handler in list(log.handlers):
        log.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Plain())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def without_secrets(text: str) -> str:
    """The text less the names and passwords of addresses in it."""
    return _USER_INFO.sub("//", text)


class _Plain(logging.Formatter):
    """``TIME LEVEL: SENTENCE``."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{_time_utc(record)} {record.levelname.lower()}: {_one_line(_text(record))}"


class _Json(logging.Formatter):
    """An object a line; what is no ASCII is escaped, so that any terminal and any reader takes it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time_utc": _time_utc(record), "level": record.levelname.lower(), "text": _text(record)}
        return json.dumps(line)


def _text(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return without_secrets(text)


def _one_line(text: str) -> str:
    """A sentence may quote what came from outside: it can neither begin a line of its own nor colour a terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _time_utc(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.created * 1000) % 1000:03d}Z"
