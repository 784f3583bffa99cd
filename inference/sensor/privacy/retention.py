"""How long each clip has been kept, by clocks that may jump, over losses of power.

The rule. While the machine runs, the clock that is never set counts, and the system's clock means nothing. How long the
machine was without power, that alone can tell: the gap is from the latest time that was seen before to the moment at
which the machine began, by the system's clock as it stands now, so that a clock which is set right later tells it
later. Where the machine seems to have begun before a time that was already seen, nobody can tell: the clock has
``GRACE_S`` to be set right, and then every clip of earlier runs counts as due. So a clock that goes back never keeps a
clip longer, but for these minutes; one that goes forward can only end the time of clips of earlier runs early.
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
        latest_s: the latest time that the system's clock ever showed.
        before_s: the same, when this run began; None where there was none before.
        gap_s: how long the machine was off before this run; None while that is unknown.
        own: clips of this run.
        inherited: clips of earlier runs.
    """

    boot_id: str
    running_s: FiniteFloat
    latest_s: FiniteFloat
    before_s: FiniteFloat | None = None
    gap_s: FiniteFloat | None = None
    own: dict[str, FiniteFloat] = {}
    inherited: dict[str, FiniteFloat] = {}


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
        saved = self._read()
        if saved is None:
            saved = _Saved(boot_id=boot_id, running_s=self._running_s, latest_s=system_s)
        elif saved.boot_id != boot_id:
            ages = {name: age + saved.running_s for name, age in saved.own.items()}
            for name, age in saved.inherited.items():
                ages[name] = age + (saved.gap_s or 0.0) + saved.running_s
            saved = _Saved(
                boot_id=boot_id,
                running_s=self._running_s,
                latest_s=saved.latest_s,
                before_s=saved.latest_s,
                inherited=ages,
            )
        self._state = saved

    @property
    def names(self) -> frozenset[str]:
        """Every clip that is known of."""
        return frozenset(self._state.own) | frozenset(self._state.inherited)

    def advance(self) -> None:
        """Look at the clocks: ages are those of this moment until it is called again."""
        state = self._state
        self._running_s, system_s = self._clocks.running_s(), self._clocks.system_s()
        if state.before_s is not None:
            gap_s = system_s - self._running_s - state.before_s
            if gap_s >= 0:
                state.gap_s = max(gap_s, state.gap_s or 0.0)
            elif state.gap_s is None and self._running_s >= GRACE_S:
                state.inherited = dict.fromkeys(state.inherited, self._keep_s)
        state.latest_s = max(state.latest_s, system_s)

    def age_s(self, name: str) -> float:
        """How long a known clip has been kept, seconds."""
        if name in self._state.own:
            return self._state.own[name] + self._running_s
        return self._state.inherited[name] + (self._state.gap_s or 0.0) + self._running_s

    def begin(self, name: str) -> None:
        """A clip that is new now."""
        self._state.own[name] = -self._running_s

    def adopt(self, name: str, stated_s: float) -> None:
        """A clip of which nothing is known but the time in its name: one from the future counts as due."""
        age_s = self._clocks.system_s() - stated_s
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
