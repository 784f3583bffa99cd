"""What the machine says of itself: its temperature, its memory and the room on its disk. Linux says all of it."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MachineFigures:
    """What was read; None where the machine does not tell.

    Attributes:
        temperature_c: of the warmest zone, °C.
        disk_free_bytes: what this user may still write, on the fullest of the disks asked for.
        memory_used_bytes: resident, of this process.
        memory_available_bytes: what could still be had on the machine without swapping.
    """

    temperature_c: float | None
    disk_free_bytes: int | None
    memory_used_bytes: int | None
    memory_available_bytes: int | None


def read_machine(written: Iterable[Path] = (), root: Path = Path("/")) -> MachineFigures:
    """Read all figures, in less than a millisecond.

    Args:
        written: files and folders whose disks matter; they need not be there yet.
        root: where ``proc`` and ``sys`` are looked for.
    """
    free = [found for path in written if (found := _disk_free_bytes(path)) is not None]
    return MachineFigures(
        temperature_c=_temperature_c(root),
        disk_free_bytes=min(free, default=None),
        memory_used_bytes=_memory_used_bytes(root),
        memory_available_bytes=_memory_available_bytes(root),
    )


def _temperature_c(root: Path) -> float | None:
    found = []
    for zone in (root / "sys/class/thermal").glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue  # a zone that is switched off cannot be read
    return max(found, default=None)


def _disk_free_bytes(path: Path) -> int | None:
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _memory_used_bytes(root: Path) -> int | None:
    try:
        return int((root / "proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def _memory_available_bytes(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None
