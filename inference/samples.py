"""What the library's functions take for sound, and the one sentence where it is none."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin import TocsinError


def as_samples(samples: ArrayLike, sample_rate: int, before: int = 0) -> NDArray[np.float32]:
    """Samples as float32 ``(n,)``, full scale 1.

    Args:
        samples: one channel.
        sample_rate: Hz.
        before: samples of the same sound that came earlier, for the time that a complaint names.

    Raises:
        TocsinError: there is more than one axis, or a sample that is NaN or infinite. One such sample would make every
            window that holds it NaN, and a filter carries it on to others.
    """
    checked = np.asarray(samples, np.float32)
    if checked.ndim != 1:
        raise TocsinError(f"expected one channel of samples, shape (n,), not {checked.shape}: average the channels")
    finite = np.isfinite(checked)
    if not finite.all():
        at_s = (before + int(finite.argmin())) / sample_rate
        raise TocsinError(
            f"a sample is NaN or infinite at {at_s:.6f} s: expected finite numbers in -1 to 1; numpy.nan_to_num puts "
            "zeros in place of NaN"
        )
    return checked
