"""The records of a deployment: alerts, emergency calls, confirmed shootings, areas, costs. The audit works on them.

Five tables (pandas), a row each:

- ``alerts``: ``alert_id``, ``time_utc``, ``outcome`` (one of ``OUTCOMES``, empty where nothing was entered), place,
  ``area``, and where known ``complaint`` (whether the police told the vendor it was wrong), ``severity``,
  ``rounds``, ``arrests``, ``guns``, ``casings``, ``officers``, ``minutes_on_scene``, the times of ``STAGES``,
  ``shooting_id`` and ``call_id`` (what it belongs to, where the records say so).
- ``calls``: calls about gunfire to 911: ``call_id``, ``time_utc``, ``outcome``, place, ``area``, times of ``STAGES``.
- ``shootings``: confirmed shootings, heard or not: ``shooting_id``, ``time_utc``, ``severity`` (one of ``SEVERITIES``,
  empty where not known), place, ``area``, and where known ``contract_eligible``, ``alerted`` and ``called`` (whether
  there was an alert, and a call, where the records say so and no matching is needed).
- ``areas``: ``area``, ``square_miles``, ``population``, ``treated`` (whether the system listened there), where known
  ``start_time_utc`` and ``end_time_utc`` of that, and ``geometry`` (GeoJSON, as text).
- ``costs``: ``item``, ``amount`` (in the currency of the audit), ``per`` (``year`` or ``once``).

A place is ``latitude`` and ``longitude`` (WGS 84, degrees) or empty. Any further columns are kept. Empty is ``""`` of
text, NaN of numbers, NaT of times and NA of what is true or false.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

    from tocsin.evaluation.audit.problems import Problem

# Evidence of gunfire found (victim, casing, damage, weapon, video, credible witness); none found; shown to be none.
OUTCOMES = CONFIRMED, UNCONFIRMED, UNFOUNDED = "confirmed", "unconfirmed", "unfounded"
SEVERITIES = ("fatal", "injury", "damage", "casings")
# In the order in which they happen, a column ``…_time_utc`` each.
STAGES = ("sound", "detected", "reviewed", "published", "dispatched", "arrived")


@dataclass(frozen=True)
class Records:
    """What is known of a deployment in a period; tables that are not known are empty, with their columns.

    Attributes:
        alerts, calls, shootings, areas, costs: the tables.
        start_utc, end_utc: the period, as pandas timestamps in UTC.
        time_zone: of hours, days and holidays, a name of the IANA.
        currency: of the costs, such as ``USD``.
        notes: sentences for the reader on where the records come from and what they leave out.
        problems: what was wrong with rows of the tables, as read; those left out are among them.
        sources: the SHA-256 of each file that was read, by its name.
    """

    alerts: "pandas.DataFrame"
    calls: "pandas.DataFrame"
    shootings: "pandas.DataFrame"
    areas: "pandas.DataFrame"
    costs: "pandas.DataFrame"
    start_utc: "pandas.Timestamp"
    end_utc: "pandas.Timestamp"
    time_zone: str
    currency: str = "USD"
    notes: tuple[str, ...] = ()
    problems: "tuple[Problem, ...]" = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> float:
        """Length of the period in days."""
        return float((self.end_utc - self.start_utc).total_seconds() / 86_400)
