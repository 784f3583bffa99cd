"""How good the system's clock is, asked of what sets it: chrony, systemd-timesyncd, or a pulse that gpsd hears.

Nothing here sets the clock or runs in the background: whoever wants to know calls, and is answered from memory unless
the last answer is old. A question takes a second at most, whatever hangs.
"""

import math
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tocsin.inference.sensor.clock_reports import LONGEST, ClockQuality, read_chrony, read_gpsd, read_timesyncd

UNKNOWN_SIGMA_S = 0.1  # a network's clock is seldom worse; one that nothing sets may be off by anything
ASKED_EVERY_S = 60.0
ANSWER_WITHIN_S = 1.0
GPSD_ADDRESS = ("127.0.0.1", 2947)
TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")  # touched with each answer

Question = Callable[[float, float], ClockQuality | None]  # seconds that are left, and the sigma of the unknown


class SystemClock:
    """The quality of the system's clock, asked at most every so often.

    Args:
        every_s: how long an answer holds, seconds.
        unknown_sigma_s: standard deviation where nothing sets the clock, or nobody tells, seconds.
        questions: asked in this order until one says that the clock is set.
    """

    def __init__(
        self,
        every_s: float = ASKED_EVERY_S,
        unknown_sigma_s: float = UNKNOWN_SIGMA_S,
        questions: tuple[Question, ...] | None = None,
    ) -> None:
        self._every_s = every_s
        self._unknown_sigma_s = unknown_sigma_s
        self._questions = (ask_chrony, ask_timesyncd, ask_gpsd) if questions is None else questions
        self._asked_s = -math.inf
        self._quality: ClockQuality | None = None

    def quality(self, now_s: float | None = None) -> ClockQuality:
        """The last answer, or a new one where it is older than allowed; ``now_s`` is the monotonic clock."""
        now_s = time.monotonic() if now_s is None else now_s
        if self._quality is None or not 0 <= now_s - self._asked_s < self._every_s:
            self._quality = self._ask()
            self._asked_s = now_s
        return self._quality

    def forget(self) -> None:
        """Ask anew next time, as after a step of the clock."""
        self._quality = None

    def _ask(self) -> ClockQuality:
        until_s = time.monotonic() + ANSWER_WITHIN_S
        unsure = None
        for question in self._questions:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            answer = question(left_s, self._unknown_sigma_s)
            if answer is not None and answer.synchronised:
                return answer
            unsure = unsure or answer
        said = "neither chrony nor systemd-timesyncd nor gpsd says how good the clock is"
        return unsure or ClockQuality(self._unknown_sigma_s, "none", False, said)


def clock_sigma_s(sample_sigma_s: float, system_sigma_s: float) -> float:
    """Standard deviation of a detection's clock: of the sample's time by the system's clock, and of that clock."""
    return math.hypot(sample_sigma_s, system_sigma_s)


def ask_chrony(within_s: float, unknown_sigma_s: float) -> ClockQuality | None:
    """What chronyd says; None where it does not run."""
    return read_chrony(_said_by(["chronyc", "-c", "tracking"], within_s), unknown_sigma_s)


def ask_timesyncd(within_s: float, unknown_sigma_s: float) -> ClockQuality | None:
    """What systemd-timesyncd says; None where it does not run."""
    report = _said_by(["timedatectl", "timesync-status", "--no-pager"], within_s)
    try:
        age_s = time.time() - TIMESYNCD_MARK.stat().st_mtime
    except OSError:
        age_s = None
    return read_timesyncd(report, unknown_sigma_s, age_s)


def ask_gpsd(within_s: float, unknown_sigma_s: float, address: tuple[str, int] = GPSD_ADDRESS) -> ClockQuality | None:
    """What gpsd says until a pulse comes, one a second; None where it does not run or says nothing of use."""
    until_s = time.monotonic() + within_s
    said = b""
    try:
        with socket.create_connection(address, timeout=within_s) as connection:
            connection.sendall(b'?WATCH={"enable":true,"json":true,"pps":true};\n')
            while len(said) < LONGEST and b'"class":"PPS"' not in said.rpartition(b"\n")[0]:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    break
                connection.settimeout(left_s)
                received = connection.recv(4096)
                if not received:
                    break
                said += received
    except OSError:  # it does not run, or said no more in time: what came counts
        pass
    return read_gpsd(said.decode("utf-8", "replace"), unknown_sigma_s)


def _said_by(command: list[str], within_s: float) -> str:
    """What a command prints; nothing where it is absent, fails, or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
