"""``tocsin fuse``: detections as JSON lines, to revisions of incidents as JSON lines, as they become certain."""

import json
import math
import os
import select
import sys
import time
from collections.abc import Iterator
from csv import DictReader
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin import TocsinError
from tocsin.data.tables import open_table
from tocsin.inference.detection import Detection, parse_detection, parse_line
from tocsin.localization.incidents.grouping import Incident
from tocsin.localization.observation.travel import air_of
from tocsin.localization.options import complain, weather_given
from tocsin.localization.stream.clocks import Clock
from tocsin.localization.stream.fusion import Fusion

POLL_S = 0.1
CHUNK_BYTES = 1 << 16
LONGEST_LINE_BYTES = 1 << 20
SAID_IN_FULL = 5  # bad lines, and refused detections, that are said one by one


def fuse(
    input: Annotated[str, typer.Argument(metavar="[INPUT]", help="a .jsonl of detections; - is stdin")] = "-",
    follow: Annotated[bool, typer.Option(help="go on reading a file that grows")] = False,
    temperature_c: Annotated[float | None, typer.Option(min=-60, max=60, help="of the air; default: 15")] = None,
    wind_speed_mps: Annotated[float | None, typer.Option(min=0, max=60, help="default: 0")] = None,
    wind_from_deg: Annotated[float | None, typer.Option(help="clockwise from north")] = None,
    lateness_s: Annotated[
        float, typer.Option(min=0, max=60, help="how much later than others a message may come; answers wait for it")
    ] = 0.5,
    sensors: Annotated[
        Path | None,
        typer.Option(help="a .csv of sensor_id and position: sensors that are up though they send nothing"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="a .json to write counts and clocks into at the end")] = None,
) -> None:
    """Incidents as they become certain, a line a revision, from detections of one site as they come in.

    A round is published when sound has had time to every sensor within 1.5 km, plus --lateness-s, plus half a second.
    """
    given = weather_given(temperature_c=temperature_c, wind_speed_mps=wind_speed_mps, wind_from_deg=wind_from_deg)
    refused, bad = _Sayings("detections are refused"), _Sayings("lines are no detections")
    engine = Fusion(
        air_of(given),
        "" if input == "-" else input,
        lateness_s,
        sensors=read_sensors(sensors) if sensors else (),
        complain=refused.say,
    )
    said: dict[str, Clock] = {}
    name = "stdin" if input == "-" else input
    row, clock = 0, LiveClock()
    try:
        for waited_s, lines in _batches(input, follow):
            detections = []
            for line in lines:
                row += 1
                if line.strip():
                    try:
                        detections.append(parse_line(f"{name}, row {row}", line))
                    except TocsinError as error:
                        bad.say(str(error))
            engine.push(detections)
            _write(engine.advance(clock.tick(waited_s, bool(lines), engine.message_time_s, engine.newest_s)))
            _tell_clocks(engine, said)
        _write(engine.finish())
    except KeyboardInterrupt:
        _write(engine.finish())
    _tell_clocks(engine, said)
    refused.close()
    bad.close()
    counts = asdict(engine.counts)
    for count, what in (("late", "came late"), ("too_late", "came too late"), ("crowded_out", "found no room")):
        if counts[count]:
            complain(f"{counts[count]} of {counts['received']} detections {what}")
    if report:
        _write_report(report, {**counts, "bad_lines": bad.count, "clocks": _clock_rows(engine)})


class LiveClock:
    """Messages' time while few come: it goes on as long as input is waited for.

    It passes the newest message by no more than the silence since, so what is replayed slower than it happened does
    not overtake itself. Time that the engine works is not counted, so one that lags behind does not hurry itself.
    """

    def __init__(self) -> None:
        self._now_s = -math.inf
        self._silent_s = 0.0

    def tick(self, waited_s: float, came: bool, message_time_s: float, newest_s: float) -> float:
        """The time now, seconds since 1970, after so long a wait for input that came or did not."""
        self._silent_s = 0.0 if came else self._silent_s + waited_s
        self._now_s = max(message_time_s, min(self._now_s + waited_s, newest_s + self._silent_s))
        return self._now_s


def read_sensors(path: Path) -> list[Detection]:
    """Sensors and their places, as detections of no particular time. Raises ``TocsinError`` naming the row."""
    with open_table(path) as file:
        return [
            parse_detection(
                f"{path}, row {row}",
                {**{name: value for name, value in fields.items() if value}, "onset_time_utc": "2000-01-01T00:00:00Z"},
            )
            for row, fields in enumerate(DictReader(file), 2)
        ]


def _batches(name: str, follow: bool) -> Iterator[tuple[float, list[bytes]]]:
    """Seconds waited, and the complete lines that came; none after each ``POLL_S`` without. Ends with the input."""
    if name == "-":
        descriptor = sys.stdin.fileno()
    else:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError as error:
            raise TocsinError(f"{name} cannot be read ({error.strerror}): give a .jsonl of detections, or -") from None
    rest = b""
    while True:
        begin_s = time.monotonic()
        ready, _, _ = select.select([descriptor], [], [], POLL_S)
        waited_s = time.monotonic() - begin_s
        try:
            chunk = os.read(descriptor, CHUNK_BYTES) if ready else None
        except OSError as error:
            raise TocsinError(f"{name} cannot be read ({error.strerror}): give a .jsonl of detections, or -") from None
        if chunk is None:
            yield waited_s, []
        elif chunk:
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                lines, rest = [*lines, rest[:LONGEST_LINE_BYTES]], b""
            yield waited_s, lines
        elif follow and name != "-":
            time.sleep(POLL_S)
            yield POLL_S, []
        else:
            if rest:
                yield 0.0, [rest]
            return


def _write(incidents: list[Incident]) -> None:
    for incident in incidents:
        sys.stdout.write(json.dumps(incident.to_dict()) + "\n")
    if incidents:
        sys.stdout.flush()


class _Sayings:
    """Sentences on stderr: the first few, then their number."""

    def __init__(self, what: str) -> None:
        self.count = 0
        self._what = what

    def say(self, sentence: str) -> None:
        self.count += 1
        if self.count <= SAID_IN_FULL:
            complain(sentence)

    def close(self) -> None:
        if self.count > SAID_IN_FULL:
            complain(f"{self.count} {self._what}, of which the first {SAID_IN_FULL} are named above")


def _tell_clocks(engine: Fusion, said: dict[str, Clock]) -> None:
    """Say what is new of clocks: one is off, or off by another time than was said, or right again."""
    off = engine.clocks.off()
    for sensor_id, clock in off.items():
        before = said.get(sensor_id)
        if before is None or abs(before.offset_s - clock.offset_s) > 3.0 * (before.sigma_s + clock.sigma_s):
            said[sensor_id] = clock
            side = "fast" if clock.offset_s > 0 else "slow"
            complain(
                f"the clock of sensor {sensor_id} is {abs(clock.offset_s) * 1000:.0f} ± {clock.sigma_s * 1000:.0f} ms "
                f"{side} by {clock.shots} rounds: corrected"
            )
    for sensor_id in [name for name in said if name not in off]:
        del said[sensor_id]
        complain(f"the clock of sensor {sensor_id} is no longer known to be off")


def _clock_rows(engine: Fusion) -> list[dict[str, Any]]:
    return [
        {
            "sensor_id": sensor_id,
            "offset_s": round(clock.offset_s, 6),
            "sigma_s": round(clock.sigma_s, 6),
            "drift_ppm": round(clock.drift_ppm, 3),
            "rounds": clock.shots,
            "corrected": clock.is_off,
        }
        for sensor_id, clock in sorted(engine.clocks.clocks.items())
    ]


def _write_report(path: Path, fields: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    except OSError as error:
        raise TocsinError(f"{path} cannot be written ({error.strerror}): choose another --report") from None
