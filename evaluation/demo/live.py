"""``tocsin demo --live``: the neighbourhood as it happens, by the programs of a deployment, each a process of its own.

Three agents (`tocsin listen`) of four sensors each hear their sound as slowly as from microphones, a broker (mosquitto,
on loopback alone) carries what they say, and a fusion (`tocsin fuse --mqtt`) locates it. Nothing is handed round them.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from tocsin import TocsinError
from tocsin.acoustics.scene import POSITION_SIGMA_M, Event, Scene, Sensor, render_scene
from tocsin.evaluation.demo.local_broker import LocalBroker
from tocsin.evaluation.demo.scoring import Gunfire, Score, score
from tocsin.evaluation.demo.trial import EVEN, FRAME
from tocsin.inference.mqtt import BrokerAddress
from tocsin.localization.stream.reading.broker import BrokerInput

AGENTS = 3
SITE = "demo"
STARTS_IN_S = 6.0  # that the processes may take to begin
AFTER_S = 9.0  # the last sound's way, lateness and steps of the fusion
LOOK_S = 0.25


class LiveDemo:
    """What is seen of a running scene.

    Args:
        scene: the truth.
        start_utc: when it begins.

    Attributes:
        heard: detections that came over the broker, a count a sensor.
        incidents: the latest revision of each, as `tocsin fuse` wrote it.
    """

    def __init__(self, scene: Scene, start_utc: datetime) -> None:
        self.scene, self.start_utc = scene, start_utc
        self.heard: Counter[str] = Counter()
        self.incidents: dict[str, dict[str, Any]] = {}

    def reports(self) -> list[Gunfire]:
        """What is reported as gunfire now, in the frame of the scene."""
        return [
            self._gunfire(item)
            for item in self.incidents.values()
            if item["probability"] >= EVEN and item["status"] != "withdrawn"
        ]

    def score(self) -> Score:
        """Of what is reported now, against all gunfire of the scene."""
        truth = [Gunfire(event.x_m, event.y_m, (event.discharge_s,)) for event in self._gunshots()]
        return score(truth, self.reports())

    def table(self, now_s: float) -> Table:
        """What happened up to now, seconds after the start, and what was said of it."""
        outcome = self.score()
        found = {match.truth: match for match in outcome.matches}
        table = Table(title=f"{min(max(now_s, 0.0), self.scene.duration_s):.0f} s of {self.scene.duration_s:.0f} s")
        for name in ("time, s", "what", "rounds", "east, m", "north, m", "what is said of it"):
            table.add_column(name, justify="left" if name.startswith("what") else "right")
        gunshots = self._gunshots()
        for event in self.scene.events:
            if event.discharge_s > now_s:
                continue
            said = ""
            if event.label == "gunshot":
                match = found.get(gunshots.index(event))
                late = now_s > event.discharge_s + 2 * AFTER_S
                said = f"gunfire, {match.error_m:.1f} m off" if match else "missed" if late else "…"
            place = (f"{event.discharge_s:.1f}", event.label, str(event.rounds or ""))
            table.add_row(*place, f"{event.x_m:.0f}", f"{event.y_m:.0f}", said)
        return table

    def sensors(self) -> Table:
        """How many bangs each sensor has sent."""
        table = Table(title="bangs that each sensor has sent", show_header=False)
        names = [sensor.sensor_id for sensor in self.scene.sensors]
        for first in range(0, len(names), len(names) // AGENTS):
            group = names[first : first + len(names) // AGENTS]
            table.add_row(*(f"{name} {self.heard[name]:3d}" for name in group))
        return table

    def _gunshots(self) -> list[Event]:
        return [event for event in self.scene.events if event.label == "gunshot"]

    def _gunfire(self, item: dict[str, Any]) -> Gunfire:
        x_m, y_m, _ = FRAME.to_local(item["latitude"], item["longitude"])
        times = [datetime.fromisoformat(shot["discharge_time_utc"]) for shot in item["shots"]]
        return Gunfire(float(x_m), float(y_m), tuple((time - self.start_utc).total_seconds() for time in times))


def run_live(scene: Scene, out: Path, model: str, console: Console) -> LiveDemo:
    """Run a scene in real time; what it shows while it does goes to ``console``.

    Args:
        scene: the truth.
        out: folder for sound, settings and logs of the agents, of the broker and of the fusion.
        model: an ``.onnx``, or the name of shipped weights.
        console: a terminal to draw on, or what takes a line a piece of news.

    Raises:
        TocsinError: mosquitto or the extra ``sensor`` is not installed, or a process ended before it should.
    """
    with ExitStack() as parts:
        broker = LocalBroker(out / "broker")
        parts.callback(broker.stop)
        files = _write_sound(scene, out)
        start_utc = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=STARTS_IN_S + 1.0)
        demo = LiveDemo(scene, start_utc)
        temperature = str(round(scene.atmosphere.temperature_c))
        fusion = ["fuse", "--mqtt", broker.url, "--site", SITE, "--temperature-c", temperature]
        parts.enter_context(_process(fusion, out / "fusion.log", lambda line: _take_incident(demo, line, console)))
        parts.enter_context(_counted(demo, broker))
        agents = []
        for number, (sensors, file) in enumerate(files):
            settings = out / f"agent-{number}.toml"
            settings.write_text(_settings(sensors, file, start_utc, broker.url, model), encoding="utf-8")
            command = ["listen", str(settings)]
            agents.append(parts.enter_context(_process(command, out / f"agent-{number}.log", lambda line: None)))
        _watch(demo, agents, console)
    return demo


def _watch(demo: LiveDemo, agents: list["subprocess.Popen[bytes]"], console: Console) -> None:
    """Until all is said. On a terminal it is drawn anew four times a second."""
    until_s = demo.scene.duration_s + AFTER_S

    def now_s() -> float:
        return (datetime.now(UTC) - demo.start_utc).total_seconds()

    with Live(console=console, auto_refresh=False, transient=True) as live:
        while now_s() < until_s:
            for agent in agents:
                if agent.poll():
                    raise TocsinError(f"an agent ended with exit code {agent.returncode}: see the logs in its folder")
            if console.is_terminal:
                live.update(Group(demo.table(now_s()), demo.sensors()), refresh=True)
            time.sleep(LOOK_S)


def _write_sound(scene: Scene, out: Path) -> list[tuple[tuple[Sensor, ...], Path]]:
    """A file of several channels for each agent."""
    traces = list(render_scene(scene))
    size = len(scene.sensors) // AGENTS
    written = []
    for number in range(AGENTS):
        last = len(scene.sensors) if number == AGENTS - 1 else (number + 1) * size
        chosen, path = slice(number * size, last), out / f"agent-{number}.wav"
        soundfile.write(path, np.stack(traces[chosen], axis=1), scene.sample_rate)
        written.append((scene.sensors[chosen], path))
    return written


def _settings(sensors: tuple[Sensor, ...], file: Path, start_utc: datetime, url: str, model: str) -> str:
    """The settings file of an agent that hears a file as if it were a microphone."""
    lines = [
        "[source]",
        f"address = {json.dumps(str(file))}",
        f'start_time_utc = "{start_utc.isoformat()}"',
        "real_time = true",
        "[model]",
        f"name = {json.dumps(model)}",
        "[broker]",
        f'url = "{url}"',
        f'site = "{SITE}"',
        "from_probability = 0.0",
        "[outbox]",
        f"path = {json.dumps(str(file.with_suffix('.sqlite')))}",
    ]
    for channel, sensor in enumerate(sensors, 1):
        latitude, longitude, elevation_m = (float(value) for value in FRAME.to_geographic(sensor.surveyed_m))
        lines += [
            "[[sensors]]",
            f'id = "{sensor.sensor_id}"',
            f"channel = {channel}",
            f"latitude = {latitude}",
            f"longitude = {longitude}",
            f"elevation_m = {elevation_m}",
            f"position_sigma_m = {POSITION_SIGMA_M}",
            f"clock_sigma_s = {sensor.clock_sigma_s}",
            f"full_scale_dbspl = {sensor.full_scale_dbspl}",
        ]
    return "\n".join(lines) + "\n"


@contextmanager
def _process(words: list[str], log: Path, take: Callable[[str], None]) -> Iterator["subprocess.Popen[bytes]"]:
    """A command of this toolkit, whose stdout goes to ``take`` line by line and whose stderr to a file."""
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-m", "tocsin", *words], stdout=subprocess.PIPE, stderr=errors)

    def read() -> None:
        for line in process.stdout or ():
            take(line.decode())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        reader.join()


def _take_incident(demo: LiveDemo, line: str, console: Console) -> None:
    incident = json.loads(line)
    demo.incidents[incident["incident_id"]] = incident
    if not console.is_terminal and incident["probability"] >= EVEN:
        place = f"{incident['latitude']:.5f}, {incident['longitude']:.5f}"
        what = f"{incident['rounds']} round{'s' if incident['rounds'] > 1 else ''}, {incident['status']}"
        console.print(f"gunfire {incident['probability']:.2f} at {place}: {what}")


@contextmanager
def _counted(demo: LiveDemo, broker: LocalBroker) -> Iterator[None]:
    """While it is entered, detections that go over the broker are counted."""
    ended = threading.Event()
    batches = BrokerInput(BrokerAddress.parse(broker.url), SITE, "tocsin-demo-watch", lambda sentence: None).batches()

    def count() -> None:
        for _, messages in batches:
            demo.heard.update(message.sensor_id for message in messages)
            if ended.is_set():
                return

    reader = threading.Thread(target=count, daemon=True)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()
