"""
5. Audit a deployment
=====================

A city has bought a system, and somebody asks: how often is an alert right, and what does it miss?
This lesson answers from tables as a police department exports them. It guesses what the columns
mean, corrects the guess, reads the rows, finds out which alert and which call are the same gunfire,
and writes the report.

The tables are made as those of ``examples/durham`` are: counts were published of the pilot in
Durham, North Carolina; every row is invented. What each word means stands in
:doc:`the audit </audit>`.
"""

# %%
# An export
# ---------
#
# Column names are the department's own, dates and clock times are apart, and places are in feet.

import tempfile
from pathlib import Path

import pandas
from matplotlib import pyplot as plt

from tocsin.evaluation.audit.auditing import audit
from tocsin.evaluation.audit.examples import write_durham
from tocsin.evaluation.audit.matching import match_records, sensitivity
from tocsin.evaluation.audit.metrics.overview import audit_sections
from tocsin.evaluation.audit.page import page_of
from tocsin.evaluation.audit.reading.guessing import guess_mapping
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.report.rendering import write_page

folder = Path(tempfile.mkdtemp())
write_durham(folder)
(folder / "audit.yaml").unlink()  # as if nobody had written it yet
tables = [folder / name for name in ("alerts.csv", "calls.csv", "shootings.csv", "areas.geojson")]
print(pandas.read_csv(tables[0]).head(3).T.to_string())

# %%
# Which column is what?
# ---------------------
#
# ``tocsin audit init`` guesses it from names and first rows. A line that may be wrong ends with
# ``UNSURE``, and the guess is a text so that it can be corrected.

guess = guess_mapping(tables)
print(guess)

# %%
# Four things only the department knows: in which projection the places are, what *Serious* and
# *Other* mean, which days the export covers, and what the system cost. Then the file is written
# beside the tables.

corrected = (
    guess.replace("not_known: [Other, Serious]", "injury: [Serious]\n  casings: [Other]")
    .replace("# x: Easting", "x: Easting")
    .replace("# y: Northing", "y: Northing")
    .replace("# first_day: 2023-01-01", "first_day: 2022-12-15")
    .replace("# last_day: 2023-12-31", "last_day: 2023-12-14")
)
corrected += "crs: EPSG:2264\ncosts:\n  - {item: the contract, amount: 197500, per: year}\n"
(folder / "audit.yaml").write_text(corrected, encoding="utf-8")

# %%
# Read the rows
# -------------
#
# Times are in UTC now, and places in degrees. A row that cannot be read would be named among the
# problems, with its file and row.

records = read_records(folder)
print(f"{len(records.alerts)} alerts, {len(records.calls)} calls, {records.days:.0f} days")
print("problems:", len(records.problems))
print(records.alerts[["alert_id", "time_utc", "outcome", "latitude", "longitude"]].head(3))

# %%
# Which of them are the same gunfire?
# -----------------------------------
#
# An alert and a call near each other, soon after each other, most likely tell of the same. Trust
# the counts, not a single pair, and look at how they move with the tolerances.

matches = match_records(records)
print(matches.tolerances)
moves = sensitivity(records)
print(moves[["call_tolerance", "both", "alert_only", "call_only"]].to_string(index=False))

# %%
# How often was it right, and are calls better?
# ---------------------------------------------
#
# Every figure has what was divided by what. Alerts are judged by the rule that calls are judged by.

for section in audit_sections(records, matches.incidents):
    print(f"{section.title}: {len(section.rows)} rows")

found = audit(records)  # the same and all else that a report holds
kinds = ("alert_only", "both", "call_only")
shown = [found.metrics[f"confirmed_{kind}"] for kind in kinds]
for metric in shown:
    value = metric.value
    print(f"{metric.title}: {value.value:.3f} ({value.low:.3f} to {value.high:.3f})")

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
for row, metric in enumerate(reversed(shown)):
    axes.plot([100 * metric.value.low, 100 * metric.value.high], [row, row], color="#0072B2")
    axes.plot(100 * metric.value.value, row, "o", color="#0072B2")
axes.set_yticks(range(len(shown)), [metric.title for metric in reversed(shown)])
axes.set(xlabel="evidence of gunfire found, % (95 % interval)", xlim=(0, 60))
plt.show()

# %%
# The report
# ----------
#
# One page that opens without a network: answers first, then all tables, and the SHA-256 of every
# file that was read. ``public=True`` leaves out all that leads to one person or one door.

page = page_of(found, public=True)
print(page.lead)
for answer in page.answers:
    print("-", answer.question, answer.answer)
write_page(page, folder / "public.html")
print((folder / "public.html").stat().st_size // 1000, "kB")

# %%
# ``tocsin audit FOLDER --report public.html --public`` does all of this in one line.
