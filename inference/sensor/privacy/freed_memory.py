"""Sound that is no longer needed is overwritten when its memory is freed, not some time later when it is used again."""

import ctypes
import sys

# mallopt(3) of the GNU C library: bytes of freed memory are set to the low byte, of new memory to its complement.
M_PERTURB = -6
FILLED_WITH = 0x55


def overwrite_freed_memory() -> bool:
    """From now on, all that this process frees is overwritten at once; returns whether the system's library can.

    That of Linux (glibc) can; small pieces of a kilobyte at most, which it keeps for the next to ask, are left.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(M_PERTURB, FILLED_WITH) == 1)
    except (OSError, AttributeError):  # another C library
        return False
