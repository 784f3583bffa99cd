"""What is said of a run, with a clock of the test's own."""

import io

import pytest
from rich.console import Console

from tocsin.inference.archive.hearing import Heard
from tocsin.inference.archive.progress import ArchiveProgress
from tocsin.inference.archive.recordings import Recording

HOUR = Heard(Recording("a.wav", "/a.wav", "S1", None, None, 1000, 0), 3600.0, [])


@pytest.fixture
def clock():
    """Seconds, half a minute further at each look that counts."""

    class Clock:
        now_s = 100.0

        def __call__(self):
            return self.now_s

    return Clock()


def test_without_a_terminal_a_line_a_minute_tells_hours_speed_and_time_left(clock):
    out = io.StringIO()
    with ArchiveProgress(40_000, Console(file=out, width=200), clock) as progress:
        for _ in range(10):
            clock.now_s += 20.0
            progress.advance(HOUR)
    assert out.getvalue().splitlines() == [
        "3.0 h of sound in 3 recordings, 180 × real time, 8% of all, 12 min left",
        "6.0 h of sound in 6 recordings, 180 × real time, 15% of all, 11 min left",
        "9.0 h of sound in 9 recordings, 180 × real time, 22% of all, 10 min left",
    ]
    assert str(progress) == "10.0 h of sound in 10 recordings, 180 × real time"


def test_on_a_terminal_a_bar_tells_the_same(clock):
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)
    with ArchiveProgress(4000, console, clock) as progress:
        clock.now_s += 20.0
        progress.advance(HOUR)
        progress._bar.refresh()
    assert "25% 1.0 h of sound in 1 recordings, 180 × real time" in out.getvalue()


def test_what_failed_is_passed_and_not_counted(clock):
    with ArchiveProgress(0, Console(file=io.StringIO()), clock) as progress:
        clock.now_s += 20.0
        progress.advance(Heard(HOUR.recording, 0.0, [], "it is broken"))
    assert str(progress) == "0 s of sound in 0 recordings, 0 × real time"
