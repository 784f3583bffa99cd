"""A hundred thousand inputs that nobody meant, to all that a sensor or a fusion reads from outside.

    python benchmarks/sensor/fuzz.py [--cases 100000] [--seed 1]

What is wrong may be refused by a ``TocsinError`` of one line; nothing else may escape. Each input is right text with
some bytes changed, cut, doubled or put in, or nothing but noise. Prints what became of each parser's, and exits with 1
where anything escaped, after the first inputs that did.
"""

import argparse
import json
import math
import string
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from tocsin import TocsinError
from tocsin.inference.mqtt import BrokerAddress, check_level, make_topic, parse_topic
from tocsin.inference.sensor.log_lines import log_to
from tocsin.inference.sensor.privacy.age_header import read_header, write_header, write_stanzas
from tocsin.inference.sensor.privacy.log_lines import Head, line_after, verify
from tocsin.inference.sensor.settings_file import init_text, read_settings
from tocsin.inference.sensor.sources.standard_input import CODINGS, PcmReader
from tocsin.localization.stream.reading.broker import Message

SHOWN = 5
DETECTION = (
    b'{"schema_version":1,"detection_id":"01KDVDNA003YTVNT4SHAEBRMNY","sensor_id":"roof-1","x_m":1.5,"y_m":-2,'
    b'"onset_time_utc":"2026-01-01T00:00:00.123456Z","clock_sigma_s":0.001,"probabilities":{"gunshot":0.9}}'
)
PIECES = (
    b"null", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"[" * 2000, b'{"a":' * 500, b'"\\ud800"', b"\xff", b"\x00",
    b"\n", b'""', b"-0", b"true", b"\xe2\x80\xa8", b"'", b'"""', b"[[sensors]]\n", b"//a:b@c/", b"0x1F", b"@", b"%00",
)  # fmt: skip
LETTERS = string.printable + "äλ\u2028\u202e\ud800\U0001f52b/+#$"

Case = Callable[[np.random.Generator], str]


@dataclass(frozen=True)
class Parser:
    """What is tried, its share of the cases, and a function that tries one: it returns what became of it."""

    name: str
    share: float
    case: Case


def changed(rng: np.random.Generator, right: bytes) -> bytes:
    """The right bytes with one to four changes; every tenth is noise."""
    if rng.random() < 0.1:
        return rng.bytes(int(rng.integers(0, 200)))
    held = bytearray(right)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, len(held) + 1))
        kind = int(rng.integers(0, 5))
        if kind == 0 and held:
            held[min(at, len(held) - 1)] = int(rng.integers(0, 256))
        elif kind == 1:
            del held[at : at + int(rng.integers(1, 20))]
        elif kind == 2:
            held[at:at] = held[at : at + int(rng.integers(1, 40))]
        elif kind == 3:
            held[at:at] = PIECES[int(rng.integers(len(PIECES)))]
        else:
            end = at + int(rng.integers(1, 20))
            held[at:end] = PIECES[int(rng.integers(len(PIECES)))]
    return bytes(held)


def any_text(rng: np.random.Generator) -> str:
    """Letters of all kinds, few or many."""
    return "".join(LETTERS[place] for place in rng.integers(0, len(LETTERS), int(rng.integers(0, 80))))


def message(rng: np.random.Generator) -> str:
    """A message of the broker, and what is taken of it read again as the journal does."""
    detection = Message("roof-1", changed(rng, DETECTION)).detection()
    again = Message("roof-1", detection.to_json().encode()).detection()
    return "taken" if again.detection_id == detection.detection_id else "taken, but not what it was"


def address(rng: np.random.Generator) -> str:
    """A broker's address."""
    right = (b"mqtts://roof-1@broker.example.org:8883/", b"mqtt://[fe80::1]:1883", b"mqtt://a:b@c")
    text = changed(rng, right[int(rng.integers(len(right)))]).decode("utf-8", "surrogateescape")
    parsed = BrokerAddress.parse(text if rng.random() < 0.7 else "mqtt://" + any_text(rng))
    return "taken" if parsed.host and 0 < parsed.port < 65536 else "taken, but no address"


def topic(rng: np.random.Generator) -> str:
    """A name in a topic, which must come out of it as it went in."""
    name = any_text(rng)
    there = make_topic(check_level("site"), "detections", name)
    return "taken" if there.count("/") == 4 and parse_topic(there).sensor_id == name else "taken, but not one level"


def pcm(rng: np.random.Generator) -> str:
    """Bytes in pieces, which must give as many frames as there are whole ones."""
    coding, channels = list(CODINGS)[int(rng.integers(len(CODINGS)))], int(rng.integers(1, 9))
    reader, data, frames = PcmReader(coding, channels), rng.bytes(int(rng.integers(0, 4000))), 0
    cuts = sorted(rng.integers(0, len(data) + 1, 5).tolist())
    with np.errstate(all="raise"):
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            frames += len(reader.of(data[begin:end]))
    whole, rest = divmod(len(data), reader.frame_bytes)
    return "taken" if (frames, reader.rest_bytes) == (whole, rest) else "taken, but not all"


def log_line(rng: np.random.Generator) -> str:
    """A sentence that quotes anything: one line, in either form, and no password of an address in it."""
    form = "json" if rng.random() < 0.5 else "plain"
    stream, secret = StringIO(), "hunter" + str(rng.integers(10**6))
    log_to(form, stream).warning(f"{any_text(rng)} rtsp://me:{secret}@camera/ {any_text(rng)}")
    written = stream.getvalue()
    if form == "json":
        json.loads(written)
    lines = written.count("\n") == 1 and written.endswith("\n") and len(written.splitlines()) == 1
    return "taken" if lines and secret not in written else "taken, but not as one line without its password"


def age_header(rng: np.random.Generator) -> str:
    """The header of a sealed file."""
    signed = write_stanzas([])
    right = write_header(signed, rng.bytes(32)).replace(b"---", b"-> X25519 YWJj\nYWJj\n---", 1) + rng.bytes(20)
    read_header(changed(rng, right))
    return "taken"


def in_folder(folder: Path) -> list[Parser]:
    """The parsers that read a file."""
    path, log = folder / "sensor.toml", folder / "clips.log"
    settings = init_text().replace('id = ""', 'id = "roof-1"\nx_m = 1\ny_m = 2')
    settings = "\n".join(line for line in settings.splitlines() if line and not line.startswith("#"))
    right, head = b"", Head(0, "0" * 64)
    for number in range(3):
        head, line = line_after(head, "2026-01-01T00:00:00.000Z", "clip_written", {"clip": f"c{number}"})
        right += line

    def settings_toml(rng: np.random.Generator) -> str:
        path.write_bytes(changed(rng, settings.encode()))
        read_settings(path)
        return "taken"

    def chained_log(rng: np.random.Generator) -> str:
        held = changed(rng, right)
        log.write_bytes(held)
        verified = verify(log, head)
        return "taken" if verified.head == head and held.startswith(right) else "taken, but it was changed"

    return [Parser("settings (TOML)", 0.02, settings_toml), Parser("chained log", 0.05, chained_log)]


def main() -> None:
    """Run the cases, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parsers = [
            Parser("message of the broker", 0.40, message),
            Parser("address", 0.20, address),
            Parser("name in a topic", 0.15, topic),
            Parser("raw PCM", 0.08, pcm),
            Parser("line of the log", 0.05, log_line),
            Parser("header of age", 0.05, age_header),
            *in_folder(Path(folder)),
        ]
        bad = sum(tried(one, math.ceil(one.share * given.cases), given.seed) for one in parsers)
    print(f"{bad} escaped")
    sys.exit(bool(bad))


def tried(parser: Parser, cases: int, seed: int) -> int:
    """Try one parser, print what became of its cases; returns how many went wrong."""
    counts: Counter[str] = Counter()
    wrong = 0
    for number in range(cases):
        # A generator of its own for each, so that a single one can be tried again.
        rng = np.random.default_rng([seed, number])
        try:
            outcome = parser.case(rng)
        except TocsinError as error:
            outcome = "refused" if "\n" not in str(error) else "refused in several lines"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            outcome = f"escaped: {type(error).__name__}"
            if wrong < SHOWN:
                print(f"{parser.name}, seed [{seed}, {number}]: {type(error).__name__}: {str(error)[:200]!r}")
        counts[outcome] += 1
        wrong += outcome not in ("taken", "refused")
        if outcome.startswith(("taken,", "refused in")) and wrong <= SHOWN:
            print(f"{parser.name}, seed [{seed}, {number}]: {outcome}")
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    print(f"{parser.name}: {cases} cases, {said}", flush=True)
    return wrong


if __name__ == "__main__":
    main()
