"""The question how good the clock is: whom it goes to, how often, and that nothing hangs it."""

import os
import socket
import threading
from contextlib import contextmanager

import pytest

from tocsin.inference.sensor.clock_reports import ClockQuality
from tocsin.inference.sensor.system_clock import SystemClock, ask_chrony, ask_gpsd, ask_timesyncd, clock_sigma_s

GOOD = ClockQuality(0.001, "chrony", True, "good")
UNSURE = ClockQuality(0.1, "none", False, "chrony runs, but follows nothing yet")
TRACKING = "50505300,PPS,1,1.0,0.000001,0.0,0.0,0.5,0.0,0.005,0.000002,0.000018,16.0,Normal"
STATUS = "Server: a\\nRoot distance: 2ms (max: 5s)\\nDelay: 4ms\\nPacket count: 3\\n"


def program(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder whose programs come before those of the machine."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_chrony_is_asked_for_values_between_commas(programs):
    program(programs, "chronyc", f'[ "$*" = "-c tracking" ] && echo "{TRACKING}"')
    quality = ask_chrony(5.0, 0.1)
    assert quality.source == "pps"
    assert quality.sigma_s == pytest.approx(20e-6 / 3**0.5)


def test_timesyncd_is_asked_in_english(programs):
    program(programs, "timedatectl", f'[ "$1 $LC_ALL" = "timesync-status C" ] && printf "{STATUS}"')
    assert ask_timesyncd(5.0, 0.1).source == "timesyncd"


@pytest.mark.parametrize("script", [f"echo '{TRACKING}'; exit 1", "sleep 60", "exit 0", "head -c 300 /dev/urandom"])
def test_programs_that_fail_hang_or_babble_say_nothing(programs, script):
    for name, ask in (("chronyc", ask_chrony), ("timedatectl", ask_timesyncd)):
        program(programs, name, script)
        assert ask(0.3, 0.1) is None


def test_absent_programs_say_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_chrony(1.0, 0.1) is None
    assert ask_timesyncd(1.0, 0.1) is None


@contextmanager
def daemon(*said, stays=False):
    """A gpsd on loopback that says what it is told to, and then goes or falls silent; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Event()
        over = threading.Event()

        def serve():
            connection, _ = server.accept()
            with connection:
                if b'"pps":true' in connection.recv(4096):
                    asked.set()
                for each in said:
                    connection.sendall(each)
                if stays:
                    over.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        over.set()
        thread.join(10)
        assert asked.is_set()


PULSE = b'{"class":"PPS","real_sec":5,"real_nsec":0,"clock_sec":5,"clock_nsec":3000,"precision":-20}\r\n'


@pytest.mark.parametrize("stays", [True, False])
def test_gpsd_is_heard_until_its_pulse(stays):
    with daemon(b'{"class":"VERSION"}\r\n{"class":"TPV","mode":3}\r\n', PULSE[:20], PULSE[20:], stays=stays) as address:
        quality = ask_gpsd(5.0, 0.1, address)
    assert quality.source == "pps"
    assert quality.sigma_s == pytest.approx(3.1e-6, rel=0.05)


def test_gpsd_that_falls_silent_is_left():
    with daemon(b'{"class":"TPV","mode":3}\r\n', stays=True) as address:
        assert not ask_gpsd(0.2, 0.1, address).synchronised


def test_gpsd_that_babbles_is_left():
    with daemon(b"x" * 200_000, stays=True) as address:
        assert ask_gpsd(5.0, 0.1, address) is None


def test_no_gpsd_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    assert ask_gpsd(1.0, 0.1, address) is None


def test_an_answer_holds_for_its_time_and_until_it_is_forgotten():
    asked = []

    def question(left_s, unknown_sigma_s):
        asked.append((left_s, unknown_sigma_s))
        return GOOD

    clock = SystemClock(every_s=60.0, unknown_sigma_s=0.5, questions=(question,))
    assert [clock.quality(now_s) for now_s in (1000.0, 1001.0, 1059.9)] == [GOOD] * 3
    assert len(asked) == 1
    clock.quality(1060.0)
    assert len(asked) == 2
    clock.forget()
    clock.quality(1061.0)
    assert len(asked) == 3
    assert all(0 < left_s <= 1.0 and unknown_sigma_s == 0.5 for left_s, unknown_sigma_s in asked)


def test_the_first_that_says_the_clock_is_set_is_believed():
    clock = SystemClock(
        questions=(lambda *_: None, lambda *_: UNSURE, lambda *_: GOOD, lambda *_: pytest.fail("asked"))
    )
    assert clock.quality() == GOOD


def test_where_nothing_sets_the_clock_it_is_said_why():
    assert SystemClock(questions=(lambda *_: UNSURE, lambda *_: None)).quality() == UNSURE
    alone = SystemClock(unknown_sigma_s=0.3, questions=(lambda *_: None,)).quality()
    assert (alone.sigma_s, alone.source, alone.synchronised) == (0.3, "none", False)
    assert "neither chrony nor systemd-timesyncd nor gpsd" in alone.said


def test_deviations_of_independent_errors_add_as_squares():
    assert clock_sigma_s(0.003, 0.004) == pytest.approx(0.005)
