# ruff: noqa: E402
"""What a sensor costs and how soon it answers: the whole of `tocsin listen` over a real broker, beside YAMNet.

    python benchmarks/sensor/listen.py --recordings ../shared speed memory latency

*speed*: city ambience at full speed by standard input, outbox and broker included; processor seconds of the process,
its start taken off, for a second of sound, and YAMNet in LiteRT on every frame of the same sound in the same run.
*memory*: the resident size of the process while it hears ``--hours`` of that sound, again and again at full speed.
*latency*: bangs on that sound, fed as slowly as a microphone would for ``--minutes``; from when the last sample of the
last window that speaks for an onset was fed until the broker gave the detection to somebody else. Needs mosquitto, the
extra ``sensor`` and, for YAMNet, ``ai-edge-litert`` (dependency group dev).
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is there to read them

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.evaluation.demo.local_broker import LocalBroker
from tocsin.inference.model import Model
from tocsin.inference.mqtt import BrokerAddress
from tocsin.inference.pick import EARLIEST
from tocsin.localization.stream.reading.broker import BrokerInput

sys.path.insert(0, str(Path(__file__).parents[1] / "classification"))
from yamnet import SAMPLE_RATE as YAMNET_RATE
from yamnet import Yamnet

RATE = 16_000
PIECE_S = 0.1  # as a sound card gives them
SITE = "benchmark"
BANGS_APART_S = 3.7


class Listening:
    """`tocsin listen` on standard input, with an outbox and a broker, and whoever reads what it sends."""

    def __init__(self, folder: Path) -> None:
        self.broker = LocalBroker(folder / "broker")
        self.came: list[tuple[float, datetime]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        settings = folder / "sensor.toml"
        settings.write_text(
            '[sensor]\nid = "one"\nx_m = 0.0\ny_m = 0.0\n'
            f'[source]\naddress = "-"\nsample_rate = {RATE}\nchannels = 1\n'
            f'[broker]\nurl = "{self.broker.url}"\nsite = "{SITE}"\nfrom_probability = 0.0\n'
            f'[outbox]\npath = "{folder / "outbox.sqlite"}"\n'
        )
        command = [sys.executable, "-m", "tocsin", "listen", str(settings)]
        with (folder / "listen.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, stdout=subprocess.DEVNULL)

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Give it samples, ``(n,)``; waits while it has not heard the last."""
        assert self.process.stdin is not None
        self.process.stdin.write((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        self.process.stdin.flush()

    def resident_mb(self) -> float:
        """Resident size now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def end(self) -> float:
        """End the sound and wait; processor seconds that the process took in all."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        if self.process.wait():
            raise TocsinError("tocsin listen failed: see its log")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.broker.stop()
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def _read(self) -> None:
        address = BrokerAddress.parse(self.broker.url)
        for _, messages in BrokerInput(address, SITE, "benchmark-reader", lambda sentence: None).batches():
            now_s = time.time()
            self.came += [(now_s, message.detection().onset_time_utc) for message in messages]


def speed(city: NDArray[np.float32], recordings: Path, folder: Path) -> None:
    """Print the real-time factor of one core."""
    empty = Listening(folder / "start")
    empty.feed(city[: 5 * RATE])
    started_s = empty.end()
    listening = Listening(folder / "speed")
    for first in range(0, len(city), RATE):
        listening.feed(city[first : first + RATE])
    took_s = (listening.end() - started_s) / (len(city) / RATE)
    yamnet = Yamnet(recordings / "peers/yamnet.tflite")
    at_yamnet = soxr.resample(city, RATE, YAMNET_RATE, "HQ")
    begin_s = time.thread_time()
    yamnet.annotate(at_yamnet)
    peer_s = (time.thread_time() - begin_s) / (len(city) / RATE)
    print(f"| real-time factor of one core, {len(city) / RATE / 60:.0f} min of city | {took_s:.4f} |")
    print(f"| YAMNet on every frame of it | {peer_s:.4f} |")
    print(f"| ratio | {took_s / peer_s:.2f} |")
    print(f"| processor seconds to start | {started_s:.2f} |", flush=True)


def memory(city: NDArray[np.float32], hours: float, folder: Path) -> None:
    """Print the resident size of the process, hour by hour."""
    listening, sizes_mb = Listening(folder / "memory"), []
    count = round(hours * 3600)
    for second in range(count):
        place = second * RATE % (len(city) - RATE)
        listening.feed(city[place : place + RATE])
        if (second + 1) % 3600 == 0 or second in (299, count - 1):
            sizes_mb.append(listening.resident_mb())
            print(f"{(second + 1) / 3600:.2f} h: {sizes_mb[-1]:.1f} MB", file=sys.stderr, flush=True)
    listening.end()
    print(f"| resident, after 5 minutes of sound | {sizes_mb[0]:.0f} MB |")
    print(f"| greatest at a full hour of {hours:g} | {max(sizes_mb):.0f} MB |")
    print(f"| at the end | {sizes_mb[-1]:.0f} MB |", flush=True)


def latency(city: NDArray[np.float32], minutes: float, folder: Path) -> None:
    """Print how long after its last window was complete a detection was there."""
    rng, card = np.random.default_rng(20261126), Model().card
    sound = city[: round(minutes * 60 * RATE)].copy()
    onsets_s = np.arange(5.0, len(sound) / RATE - 5.0, BANGS_APART_S) + rng.uniform(0, 0.5)
    for onset_s in onsets_s:
        count = round(0.05 * RATE)
        burst = np.exp(-np.arange(count) / (0.006 * RATE)) * rng.standard_normal(count)
        sound[round(onset_s * RATE) :][:count] += (0.5 * burst).astype(np.float32)
    listening = Listening(folder / "latency")
    time.sleep(3.0)  # until it listens
    begin_s, size = time.time(), round(PIECE_S * RATE)
    fed_s = np.empty(-(-len(sound) // size))
    for number in range(len(fed_s)):
        # A piece comes when its last sample was taken.
        time.sleep(max(0.0, begin_s + (number + 1) * PIECE_S - time.time()))
        listening.feed(sound[number * size : (number + 1) * size])
        fed_s[number] = time.time()
    time.sleep(5.0)
    listening.end()
    hop_s, window_s = card.hop_samples / card.sample_rate, card.window_samples / card.sample_rate
    late_s, heard = [], set()
    for came_s, onset in listening.came:
        onset_s = onset.timestamp() - begin_s
        if np.abs(onsets_s - onset_s).min() > 0.05:
            continue  # a bang of the city's own
        heard.add(int(np.abs(onsets_s - onset_s).argmin()))
        last_s = np.floor((onset_s - EARLIEST * window_s) / hop_s) * hop_s + window_s
        complete_s = fed_s[min(int(last_s / PIECE_S), len(fed_s) - 1)]
        late_s.append(came_s - complete_s)
    print(f"| bangs fed in {minutes:g} min, and those heard | {len(onsets_s)}, {len(heard)} |")
    middle, most, worst = np.percentile(late_s, [50, 99, 100])
    print(f"| from the complete window to the reader: median, 99 %, most | {middle:.2f}, {most:.2f}, {worst:.2f} s |")
    print(f"| from the onset to the reader: median | {middle + window_s - EARLIEST * window_s - hop_s / 2:.2f} s |")


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("what", nargs="+", choices=("speed", "memory", "latency"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and peers/")
    parser.add_argument("--hours", type=float, default=24.0, help="of sound, for memory")
    parser.add_argument("--minutes", type=float, default=10.0, help="of sound, for latency")
    options = parser.parse_args()
    try:
        paths = sorted((options.recordings / "clips/audio/urban_ambience").glob("*.flac"))
        if not paths:
            raise TocsinError(f"{options.recordings}: no clips/audio/urban_ambience/*.flac there; give --recordings")
        city = np.concatenate([read_audio(path, RATE).samples for path in paths])
        print(f"| what, {datetime.now(UTC):%Y-%m-%d} | |\n|---|---|", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            if "speed" in options.what:
                speed(city, options.recordings, Path(folder))
            if "memory" in options.what:
                memory(city, options.hours, Path(folder))
            if "latency" in options.what:
                latency(city, options.minutes, Path(folder))
    except TocsinError as error:
        print(f"listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
