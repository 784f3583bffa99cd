"""Public holidays of the United States, and the days round New Year and 4 July that contracts leave out."""

import importlib
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError

if TYPE_CHECKING:
    import pandas

HOURS = 48
FIREWORKS = "New Year and 4 July, 48 hours on either side"
HOLIDAY = "other public holidays"
ORDINARY = "ordinary days"


def in_fireworks_window(times_utc: "pandas.Series", time_zone: str) -> NDArray[np.bool_]:
    """Whether each time lies within 48 hours of New Year's Day or of 4 July, local time, shape (times,).

    The window begins 48 hours before the day does and ends 48 hours after it: five days.
    """
    local = times_utc.dt.tz_convert(time_zone).dt.tz_localize(None)
    near = np.zeros(len(times_utc), dtype=bool)
    for days in range(-HOURS // 24, HOURS // 24 + 1):
        there = (local + np.timedelta64(24 * days, "h")).dt
        near |= (((there.month == 1) & (there.day == 1)) | ((there.month == 7) & (there.day == 4))).to_numpy(dtype=bool)
    return near


def kinds_of_days(times_utc: "pandas.Series", time_zone: str) -> NDArray[Any]:
    """``FIREWORKS``, ``HOLIDAY`` or ``ORDINARY`` for each time, shape (times,).

    Raises:
        TocsinError: the package ``holidays`` is not installed.
    """
    try:
        package = importlib.import_module("holidays")
    except ImportError as error:
        raise TocsinError('holidays need a package: type `pip install "tocsin[analysis]"`') from error
    local = times_utc.dt.tz_convert(time_zone)
    years = range(int(local.dt.year.min()), int(local.dt.year.max()) + 1) if len(local) else range(0)
    public: list[date] = sorted(package.country_holidays("US", years=years))
    holiday = local.dt.tz_localize(None).dt.normalize().isin(np.array(public, dtype="datetime64[s]"))
    kinds = np.where(holiday.to_numpy(dtype=bool), HOLIDAY, ORDINARY).astype(object)
    kinds[in_fireworks_window(times_utc, time_zone)] = FIREWORKS
    return kinds
