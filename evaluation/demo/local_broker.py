"""A broker of one's own on loopback: Debian's mosquitto, for the live demo and for tests."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tocsin import TocsinError

ABSENT = "mosquitto is not installed: type `sudo apt-get install mosquitto`"
STARTS_WITHIN_S = 20.0
OPEN = ("allow_anonymous true",)
SBIN = "/usr/sbin:/usr/local/sbin"  # where Debian keeps it, and only root looks


def mosquitto_program() -> str | None:
    """Where it is, or None."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)


class LocalBroker:
    """A mosquitto that listens on a free port of 127.0.0.1 alone.

    Args:
        folder: for its configuration, its log, and what it keeps.
        lines: of its configuration besides; by default anybody on this machine may do anything.

    Attributes:
        port: where it listens.

    Raises:
        TocsinError: mosquitto is not installed, or does not start.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = OPEN) -> None:
        self._program = mosquitto_program()
        if self._program is None:
            raise TocsinError(ABSENT)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        # As root it would become another user, who may not write here.
        owner = ["user root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        kept = [
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
        ]
        # What it has acknowledged is on its way, and none of it waits for room.
        room = ["max_queued_messages 0", "max_inflight_messages 0"]
        content = [*owner, *room, *kept, f"listener {self.port} 127.0.0.1", *lines]
        self._settings, self._log = folder / "mosquitto.conf", folder / "mosquitto.log"
        self._settings.write_text("\n".join(content) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again on the same port, and wait until it listens."""
        with self._log.open("ab") as log:
            command = [str(self._program), "-v", "-c", str(self._settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until_s = time.monotonic() + STARTS_WITHIN_S
        while True:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > until_s:
                self.kill()
                said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise TocsinError(
                    f"mosquitto does not start: {said[-1] if said else 'it says nothing'}; see {self._log}"
                )
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a loss of power does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it as it should end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
