"""What a service manager is told: ready, alive, ending; the protocol of systemd's ``sd_notify``, without its library.

Datagrams of ``KEY=VALUE`` lines go to the Unix socket that ``$NOTIFY_SOCKET`` names (sd_notify(3)).
"""

import os
import socket
from collections.abc import Mapping

_SHORTENED = 0.5  # of the time after which systemd would restart it, as sd_watchdog_enabled(3) advises
_LONGEST_STATUS = 400


class Notifier:
    """Tells the service manager how it goes; where there is none it does nothing. It never raises.

    Args:
        environment: with ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``; that of the process by default.

    Attributes:
        watchdog_every_s: how often :meth:`alive` is to be called at least, half of what the manager waits; None where
            it does not wait.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        address = environment.get("NOTIFY_SOCKET", "")
        # @ stands for the zero byte of Linux's abstract sockets, which have no file.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")) and hasattr(socket, "AF_UNIX"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            # A manager that does not read must not stop the hearing.
            self._socket.setblocking(False)
        self.watchdog_every_s = _watchdog_every_s(environment) if self._socket else None

    def ready(self) -> None:
        """It hears: what was to be opened is open."""
        self._send("READY=1")

    def alive(self) -> None:
        """It goes on; unsaid for too long, the manager starts it anew."""
        self._send("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """A line for ``systemctl status``."""
        self._send("STATUS=" + " ".join(sentence.split())[:_LONGEST_STATUS])

    def stopping(self) -> None:
        """It ends by its own will."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket; what is said afterwards is not sent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, line: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(line.encode(), self._address)
        except OSError:
            # A manager that has gone, or whose queue is full, is told the next time.
            return


def _watchdog_every_s(environment: Mapping[str, str]) -> float | None:
    try:
        waits_us = int(environment.get("WATCHDOG_USEC", "0"))
        meant_for = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    if waits_us <= 0 or meant_for != os.getpid():
        return None
    return waits_us * 1e-6 * _SHORTENED
