"""What arrives at a datagram socket such as systemd's, by sd_notify(3)."""

import os
import socket
import uuid

import pytest

from tocsin.inference.sensor.notify import Notifier


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path):
    """A socket that listens as the manager does, and the address by which it is told."""
    name = f"tocsin-{uuid.uuid4().hex}"
    address = str(tmp_path / "notify") if request.param == "file" else "@" + name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address if request.param == "file" else "\0" + name)
        listening.settimeout(5)
        yield listening, address


def test_what_is_said_arrives_a_datagram_each(manager):
    listening, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.alive()
    notifier.status("hears roof-1,\nREADY=0 12 queued")
    notifier.stopping()
    said = [listening.recv(4096) for _ in range(4)]
    notifier.close()
    assert said == [b"READY=1", b"WATCHDOG=1", b"STATUS=hears roof-1, READY=0 12 queued", b"STOPPING=1"]


def test_closed_or_without_a_manager_nothing_is_sent(manager):
    listening, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.close()
    notifier.ready()
    Notifier({}).ready()
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(4096)


def test_a_manager_that_went_away_or_does_not_read_stops_nobody(tmp_path):
    address = str(tmp_path / "notify")
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()  # there is none yet
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        for _ in range(5000):  # more than its queue takes
            notifier.status("x" * 300)
        assert listening.recv(4096).startswith(b"STATUS=xxx")
    notifier.alive()
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_told_in_half_its_time_and_only_by_whom_it_means(environment, every_s):
    notifier = Notifier({"NOTIFY_SOCKET": "@nobody", **environment})
    assert notifier.watchdog_every_s == every_s
    notifier.close()
    assert Notifier(environment).watchdog_every_s is None
