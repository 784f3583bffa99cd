"""The broker of the live demo as tests need it: with users, certificates and rules, killed and started again."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from tocsin.evaluation.demo.local_broker import OPEN, SBIN, LocalBroker

PATIENCE_S = 60.0


def wait_until(holds, what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds, and fail the test where it does not within a generous time."""
    until_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until_s, f"not within {patience_s:.0f} s: {what}"
        time.sleep(0.01)


class Mosquitto(LocalBroker):
    """A broker in a folder.

    Args:
        folder: where its files lie.
        certificates: (authority, certificate, key) files for TLS.
        users: passwords by name; not given: anybody may come.
        acl: text of the file that says who may do what.
        settings: text of further settings, without the port and without paths.
    """

    def __init__(self, folder: Path, certificates=None, users=None, acl=None, settings="") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        lines = settings.splitlines()
        if certificates:
            lines += [f"certfile {certificates[1]}", f"keyfile {certificates[2]}"]
        if acl is not None:
            (folder / "acl").write_text(acl)
            lines.append(f"acl_file {folder / 'acl'}")
        if users is None:
            lines += OPEN
        else:
            program = shutil.which("mosquitto_passwd") or shutil.which("mosquitto_passwd", path=SBIN)
            (folder / "passwords").touch(mode=0o600)
            for name, password in users.items():
                subprocess.run([program, "-b", folder / "passwords", name, password], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {folder / 'passwords'}"]
        super().__init__(folder, lines)

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
        super().stop()

    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text(errors="replace")
