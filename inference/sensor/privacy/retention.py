"""How long each clip has been kept, by clocks that may jump, over losses of power.

The rule. While the machine runs, the clock that is never set counts, and the system's clock means nothing. How long the
machine was without power, that alone can tell: the gap is from the earliest moment that it can have been, by any time
that the system's clock showed in the run before, to the moment at which this run began, by the clock as it stands when
it is set. Where it is not set (the caller says so), or where the machine seems to have begun before a time that was
already seen, nobody can tell: the clock has ``GRACE_S`` to be set right, and then every clip of earlier runs counts as
due. So a clock that jumps, forward or back, never keeps a clip longer, but for these minutes; it can only end the time
of clips of earlier runs early.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, FiniteFloat, ValidationError

from tocsin.inference.sensor.privacy.whole_files import write_whole

GRACE_S = 900.0  # a small machine without a battery for its clock has it from the network within minutes
_SAVE_EVERY_S = 600.0
_STEP_S = 1.0  # a clock that went back by more was set
_LONGEST_FILE = 1 << 22


def _running_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class Clocks:
    """The clocks of a machine, which a test may set.

    Attributes:
        system_s: gives the system's clock, seconds since 1970, which may be set.
        running_s: gives seconds since the machine began, asleep or not, which nobody can set.
        boot_id: gives a name of this run of the machine, from its kernel.
    """

    system_s: Callable[[], float] = time.time
    running_s: Callable[[], float] = _running_s
    boot_id: Callable[[], str] = _boot_id


class _Saved(BaseModel):
    """What is on the disk, of one run of the machine.

    A clip of this run has the age ``own[name] + running``; one of an earlier run ``inherited[name] + gap + running``.

    Attributes:
        boot_id: which run.
        running_s: when it was written, by the clock of this run.
        offset_s: the lowest that the system's clock was ever ahead of that of this run.
        latest_s: the latest time that the system's clock ever showed.
        off_since_s: the earliest time, by the system's clock, at which the run before can have ended; None without one.
        latest_before_s: the latest time that was seen before this run.
        gap_s: how long the machine was off before this run, at least.
        gap_known: whether a clock that was set has said so.
        own: clips of this run.
        inherited: clips of earlier runs.
    """

    boot_id: str
    running_s: FiniteFloat
    offset_s: FiniteFloat
    latest_s: FiniteFloat
    off_since_s: FiniteFloat | None = None
    latest_before_s: FiniteFloat = 0.0
    gap_s: FiniteFloat = 0.0
    gap_known: bool = False
    own: dict[str, FiniteFloat] = {}
    inherited: dict[str, FiniteFloat] = {}


def _after(saved: _Saved, boot_id: str, running_s: float, offset_s: float) -> _Saved:
    """What was known when an earlier run ended, as a later run takes it on."""
    ages = {name: age + saved.running_s for name, age in saved.own.items()}
    for name, age in saved.inherited.items():
        ages[name] = age + saved.gap_s + saved.running_s
    return _Saved(
        boot_id=boot_id,
        running_s=running_s,
        offset_s=offset_s,
        latest_s=saved.latest_s,
        off_since_s=saved.offset_s + saved.running_s,
        latest_before_s=saved.latest_s,
        inherited=ages,
    )


class Retention:
    """The age of each clip, kept in a file beside them.

    Args:
        path: the file. What is there and cannot be understood counts as absent.
        keep_s: how long a clip is kept.
        clocks: of the machine.
    """

    def __init__(self, path: Path, keep_s: float, clocks: Clocks) -> None:
        self._path, self._keep_s, self._clocks = path, keep_s, clocks
        self._saved_at_s = -math.inf
        self._running_s, system_s, boot_id = clocks.running_s(), clocks.system_s(), clocks.boot_id()
        saved, offset_s = self._read(), system_s - self._running_s
        if saved is None:
            saved = _Saved(boot_id=boot_id, running_s=self._running_s, offset_s=offset_s, latest_s=system_s)
        elif saved.boot_id != boot_id:
            saved = _after(saved, boot_id, self._running_s, offset_s)
        self._state = saved

    @property
    def names(self) -> frozenset[str]:
        """Every clip that is known of."""
        return frozenset(self._state.own) | frozenset(self._state.inherited)

    def advance(self, clock_is_set: bool = True) -> None:
        """Look at the clocks: ages are those of this moment until it is called again."""
        state = self._state
        self._running_s, system_s = self._clocks.running_s(), self._clocks.system_s()
        offset_s = system_s - self._running_s  # of a clock that is right, the moment at which this run began
        if state.off_since_s is not None:
            state.gap_s = max(offset_s - state.off_since_s, state.gap_s)
            state.gap_known |= clock_is_set and offset_s >= state.latest_before_s
            if not state.gap_known and self._running_s >= GRACE_S:
                state.inherited = dict.fromkeys(state.inherited, self._keep_s)
        if offset_s < state.offset_s - _STEP_S:
            self._saved_at_s = -math.inf  # it went back: this is to be known after a loss of power
        state.offset_s = min(state.offset_s, offset_s)
        state.latest_s = max(state.latest_s, system_s)

    def age_s(self, name: str) -> float:
        """How long a known clip has been kept, seconds."""
        if name in self._state.own:
            return self._state.own[name] + self._running_s
        return self._state.inherited[name] + self._state.gap_s + self._running_s

    def begin(self, name: str) -> None:
        """A clip that is new now."""
        self._running_s = self._clocks.running_s()
        self._state.own[name] = -self._running_s

    def adopt(self, name: str, stated_s: float) -> None:
        """A clip of which nothing is known but the time in its name: one from the future counts as due."""
        age_s, self._running_s = self._clocks.system_s() - stated_s, self._clocks.running_s()
        self._state.own[name] = (age_s if age_s >= 0 else self._keep_s) - self._running_s

    def forget(self, name: str) -> None:
        """A clip that is gone."""
        self._state.own.pop(name, None)
        self._state.inherited.pop(name, None)

    def due(self) -> list[str]:
        """The clips whose time is over, the oldest first; one that says it comes from the future was tampered with."""
        return [name for name in self.oldest_first(self.names) if not 0 <= self.age_s(name) < self._keep_s]

    def oldest_first(self, names: Iterable[str]) -> list[str]:
        """Known clips in the order in which they came."""
        return sorted(names, key=lambda name: (-self.age_s(name), name))

    def save(self) -> None:
        """Write the file, or remove it where there is no clip. Raises ``OSError`` where that cannot be."""
        if not self.names:
            self._path.unlink(missing_ok=True)
            return
        self._state.running_s = self._running_s
        write_whole(self._path, self._state.model_dump_json().encode())
        self._saved_at_s = self._running_s

    def save_now_and_then(self) -> None:
        """Save where that was long ago, for memory cards wear out: what is lost then is told by the system's clock."""
        if self.names and self._running_s - self._saved_at_s >= _SAVE_EVERY_S:
            self.save()

    def _read(self) -> _Saved | None:
        try:
            with self._path.open("rb") as file:
                return _Saved.model_validate_json(file.read(_LONGEST_FILE))
        except (OSError, ValidationError):
            return None
