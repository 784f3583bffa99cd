"""``tocsin fuse`` as a service runs it: what ends it, what it is given wrongly, files that come, go and are rotated.

The oracle of a stream that is interrupted, cut or rotated is the same stream in one piece.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue

import numpy as np
import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.observation.travel import Air, travel_times_s
from tocsin.localization.stream.commands import read_sensors

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = {f"s{i}": xy for i, xy in enumerate([(0, 0), (420, 30), (410, 390), (-20, 400), (200, 610), (-250, 180)])}
PATIENCE_S = 120.0  # of the tests, on a machine that is busy; nothing is measured


def bang(time_s, source=(150, 220)):
    """Lines of JSON, a line a sensor, in order of time."""
    travel = travel_times_s(np.array(source, float), np.array(list(SENSORS.values()), float), Air())
    return [
        Detection(
            sensor_id=name,
            onset_time_utc=START + timedelta(seconds=time_s + float(delay)),
            x_m=x_m,
            y_m=y_m,
            snr_db=20.0,
            probabilities={"gunshot": 0.9},
        ).to_json()
        + "\n"
        for delay, (name, (x_m, y_m)) in sorted(zip(travel, SENSORS.items(), strict=True))
    ]


def stream(begin, end):
    return "".join(line for index in range(begin, end) for line in bang(40.0 * index))


class Running:
    """A command that runs, and what it wrote so far."""

    def __init__(self, *words, ignored=()):
        # Whoever runs the tests may ignore signals, as a shell does for what it runs in the background.
        handlers = {name: "SIG_IGN" if name in ignored else "SIG_DFL" for name in ("SIGINT", "SIGTERM", "SIGHUP")}
        code = "import signal\n" + "".join(
            f"signal.signal(signal.{name}, signal.{handler})\n" for name, handler in handlers.items()
        )
        code += "from tocsin.cli import main\nmain()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "fuse", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self.out, self.said = [], []
        self._came = Queue()
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.said))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, lines):
        for line in pipe:
            lines.append(line)
            self._came.put(line)

    def send(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, holds, meanwhile=None):
        """Wait until what was written is so; ``meanwhile`` is called again and again."""
        for _ in range(int(PATIENCE_S / 0.1)):
            if holds(self):
                return
            if meanwhile:
                meanwhile()
            try:
                self._came.get(timeout=0.1)
            except Empty:
                assert self.process.poll() is None, "".join(self.said)
        pytest.fail(f"nothing came of it: {self.out} {self.said}")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE_S)
        for reader in self._readers:
            reader.join(timeout=PATIENCE_S)
        return code

    @property
    def rounds(self):
        """Discharges of the rounds said, in whole seconds after the start."""
        last = {}
        for line in self.out:
            incident = json.loads(line)
            last[incident["incident_id"]] = incident
        times = [datetime.fromisoformat(shot["discharge_time_utc"]) for one in last.values() for shot in one["shots"]]
        return sorted(round((time - START).total_seconds()) for time in times)


@contextmanager
def running(*words, ignored=()):
    command = Running(*words, ignored=ignored)
    try:
        yield command
    finally:
        command.process.kill()
        command.process.wait()
        for pipe in (command.process.stdin, command.process.stdout, command.process.stderr):
            pipe.close()


def fused(path, *words):
    with running(path, *words) as command:
        command.process.wait(timeout=PATIENCE_S)
        for reader in command._readers:
            reader.join(timeout=PATIENCE_S)
        return command


def said(word):
    return lambda command: any(word in line for line in command.said)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_as_the_end_of_its_input_does(tmp_path, name):
    with running("--lateness-s", 60, "--report", tmp_path / "report.json") as command:
        command.send(stream(0, 1) + "no detection\n")
        command.wait_for(said("row 7"))
        assert command.out == []  # the lateness holds the round back
        assert command.end(getattr(signal, name)) == 0
        assert command.rounds == [0]
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["received"], report["bad_lines"]) == (6, 1)


def test_a_signal_that_was_ignored_stays_ignored():
    with running("--lateness-s", 60, ignored=["SIGHUP"]) as command:
        command.send("no detection\n")
        command.wait_for(said("row 1"))
        command.process.send_signal(signal.SIGHUP)
        command.send(stream(0, 1) + "nor this\n")
        command.wait_for(said("row 8"))
        assert command.end() == 0
        assert command.rounds == [0]


def truncated(path):
    """By copying and emptying; what follows is as long as what was there, so that its size does not tell."""
    size = path.stat().st_size
    path.write_text(stream(3, 6))
    assert path.stat().st_size == size


def renamed(path):
    path.rename(path.with_suffix(".1"))
    with path.with_suffix(".1").open("a") as file:
        file.write(stream(3, 4))  # its writer has not noticed
    path.write_text(stream(4, 6))


def shortened(path):
    path.write_text(stream(5, 6))


@pytest.mark.parametrize(
    ("rotate", "rounds", "why"),
    [
        (truncated, [0, 40, 80, 120, 160, 200], "written anew"),
        (renamed, [0, 40, 80, 120, 160, 200], "another file now"),
        (shortened, [0, 40, 80, 200], "written anew"),
    ],
)
def test_a_log_that_is_rotated_is_followed(tmp_path, rotate, rounds, why):
    path = tmp_path / "live.jsonl"
    path.write_text(stream(0, 3))
    with running(path, "--follow") as command:
        command.wait_for(lambda run: run.rounds == [0, 40, 80])
        rotate(path)
        command.wait_for(lambda run: run.rounds == rounds)
        assert command.end() == 0
        assert sum(why in line for line in command.said) == 1


def test_a_file_that_is_not_there_yet_is_awaited(tmp_path):
    path = tmp_path / "live.jsonl"
    with running(path, "--follow") as command:
        command.wait_for(said("is not there: it is read when it comes"))
        path.write_text(stream(0, 1))
        command.wait_for(lambda run: run.rounds == [0])
        assert command.end() == 0


def test_a_file_that_is_gone_is_said_to_be_and_awaited(tmp_path):
    path = tmp_path / "live.jsonl"
    path.write_text(stream(0, 1))
    with running(path, "--follow") as command:
        command.wait_for(lambda run: run.rounds == [0])
        path.unlink()
        command.wait_for(said("is gone"))
        path.write_text(stream(1, 2))
        command.wait_for(lambda run: run.rounds == [0, 40])
        assert command.end() == 0
        assert sum("is gone" in line for line in command.said) == 1


def test_a_named_pipe_is_read_as_it_fills(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with running(path) as command:
        writer = os.open(path, os.O_WRONLY)  # returns when the other end is open
        os.write(writer, stream(0, 1).encode())
        command.wait_for(lambda run: run.rounds == [0])
        assert command.end() == 0
        os.close(writer)


def test_lines_that_are_refused_do_not_hold_a_round_back():
    with running() as command:
        command.send(stream(0, 1))
        command.wait_for(lambda run: run.rounds == [0], meanwhile=lambda: command.send("no detection\n"))
        assert command.end() == 0


def rows_of_a_table():
    return "sensor_id,onset_time_utc,x_m,y_m\n" + "s1,2026-01-01T00:00:00Z,0,0\n" * 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            rows_of_a_table().encode(),
            "is a table: a line of JSON a detection is expected; give the table to `tocsin lo",
        ),
        (b"\xef\xbb\xbf" + rows_of_a_table().encode(), "is a table"),
        (stream(0, 1).encode("utf-16"), "looks like UTF-16: write it in UTF-8"),
        (stream(0, 1).encode("utf-16-be"), "looks like UTF-16: write it in UTF-8"),
        (("[" + ",".join(bang(0.0)) + "]").encode(), "is one JSON array: a line of JSON a detection is expected"),
        (b"\n[\n" + ",".join(bang(0.0)).encode() + b"\n]\n", "is one JSON array"),
        (b"hello\n" * 20, "in.jsonl: not one detection of it could be used, of 20 lines: see above"),
    ],
)
def test_an_input_without_one_detection_fails_and_says_what_it_is(tmp_path, content, sentence):
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    command = fused(path)
    assert command.process.returncode == 1
    assert command.out == []
    assert sentence in command.said[-1]


def test_utf_8_with_the_mark_of_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + stream(0, 1).encode())
    command = fused(path)
    assert (command.process.returncode, command.rounds, command.said) == (0, [0], [])


def test_nothing_at_all_is_no_failure(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("\n\n")
    command = fused(path)
    assert (command.process.returncode, command.out, command.said) == (0, [], [])


def test_a_line_of_any_length_is_one_bad_line(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(stream(0, 1) + '{"sensor_id": "' + "x" * 5_000_000 + '"}\n' + stream(1, 2) + "no detection")
    command = fused(path)
    assert command.rounds == [0, 40]
    assert ["row 7" in command.said[0], "row 14" in command.said[1]] == [True, True]
    assert command.said[2:] == ["tocsin: 2 lines are no detections\n"]


def test_two_sensors_alone_are_said_to_be_too_few(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(bang(0.0)[:2]))
    command = fused(path)
    assert (command.process.returncode, command.out) == (0, [])
    assert command.said == [
        "tocsin: 2 detections are of fewer than 3 sensors that agree where they are: no place is found from fewer\n"
    ]


def test_a_closed_stdin_is_said_to_be_closed():
    words = [sys.executable, "-m", "tocsin", "fuse"]
    result = subprocess.run(["sh", "-c", f"exec {shlex.join(words)} <&-"], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == ("tocsin: stdin is closed: give a .jsonl of detections, or let them come in by a pipe\n")


def test_a_list_of_sensors_has_the_words_for_nothing_of_other_tables(tmp_path):
    (tmp_path / "sensors.csv").write_text("sensor_id,x_m,y_m,z_m\ns0,0,0,NA\n,,,\n")
    [sensor] = read_sensors(tmp_path / "sensors.csv")
    assert (sensor.sensor_id, sensor.x_m, sensor.z_m) == ("s0", 0.0, None)
