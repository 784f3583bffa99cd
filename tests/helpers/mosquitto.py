"""A mosquitto of a test's own, on the loopback interface, that can be killed and started again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

SBIN = "/usr/sbin"
PATIENCE_S = 60.0


def find_mosquitto() -> str | None:
    """The broker's program, which Debian keeps where only root looks."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{SBIN}")


def wait_until(holds, what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds, and fail the test where it does not within a generous time."""
    until_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until_s, f"not within {patience_s:.0f} s: {what}"
        time.sleep(0.01)


class Mosquitto:
    """A broker in a folder.

    Args:
        folder: where its files lie.
        certificates: (authority, certificate, key) files for TLS.
        users: passwords by name; not given: anybody may come.
        acl: text of the file that says who may do what.
        settings: text of settings in place of those of this class, without the port and without paths.
    """

    def __init__(self, folder: Path, certificates=None, users=None, acl=None, settings=None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/"]
        # Saved at each change, and nothing waits in its memory for a subscriber that is there.
        lines += (
            settings.splitlines()
            if settings
            else ["autosave_on_changes true", "autosave_interval 1", "max_inflight_messages 0", "max_queued_messages 0"]
        )
        if os.geteuid() == 0:
            lines.append("user root")
        if certificates:
            lines += [f"certfile {certificates[1]}", f"keyfile {certificates[2]}"]
        if acl is not None:
            (folder / "acl").write_text(acl)
            lines.append(f"acl_file {folder / 'acl'}")
        if users is None:
            lines.append("allow_anonymous true")
        else:
            program = shutil.which("mosquitto_passwd", path=f"{os.environ.get('PATH', '')}:{SBIN}")
            (folder / "passwords").touch(mode=0o600)
            for name, password in users.items():
                subprocess.run([program, "-b", folder / "passwords", name, password], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {folder / 'passwords'}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> "Mosquitto":
        """Start it, on the same port each time, and wait until it listens."""
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [find_mosquitto(), "-v", "-c", self.folder / "mosquitto.conf"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._listens, "mosquitto listens")
        return self

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def read_acl(self, text: str) -> None:
        """Give it another file of who may do what while it runs."""
        (self.folder / "acl").write_text(text)
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it in good order, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # it may have been stopped
            self._process.terminate()
            self._process.wait()

    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
