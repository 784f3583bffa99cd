"""
4. Evaluate any detector
========================

You have recordings, labels of what sounded in them, and a table of what some detector said. Whose it
is does not matter. This lesson goes from these files to figures that can be decided on: how many
shots are found, how many false alarms come a day, which threshold keeps to a budget, whether another
detector is better, and what can be said where nobody labelled anything.

Beside each step stands the command that does the same, for those who never write Python. It needs
the extra ``analysis``: ``pip install "tocsin[analysis]"``. The sounds are computed and far denser
than any street, so the figures say how to measure and nothing about a place.
"""

# %%
# Three sensors, four nights
# --------------------------
#
# Each recording is 48 s of one night at one sensor: a noisy street, and in it shots, fireworks
# and other bangs. What the labels say is known here because the same street is computed twice, with
# the bang and without it: they differ from its onset on. On a real street people write labels.

import tempfile
from pathlib import Path

import numpy as np
import pandas
import soundfile
from matplotlib import pyplot as plt

import tocsin

RATE, PIECE_S = 12000, 4.0
folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(4)
edge = np.minimum(1, np.linspace(0, PIECE_S / 0.2, int(PIECE_S * RATE)))
fade = edge * edge[::-1]  # streets of different loudness follow one another without a click
recordings, labels = [], []
for night in range(4):
    for sensor in ("roof", "school", "park"):
        name = f"{sensor}-{night + 1}.wav"
        kinds = ["gunshot"] * 3 + ["fireworks"] * 2 + ["impulse"] * 3 + ["background"] * 4
        pieces = []
        for place, kind in enumerate(generator.permutation(kinds)):
            seed = int(generator.integers(2**31))
            piece = tocsin.acoustics.synthesize(kind, np.random.default_rng(seed), RATE, PIECE_S)
            if kind != "background":
                of_street = np.random.default_rng(seed)
                street = tocsin.acoustics.synthesize("background", of_street, RATE, PIECE_S)
                bang = abs(piece - street)
                labels.append((name, place * PIECE_S + np.argmax(bang > 0.1 * bang.max()) / RATE, kind))
            pieces.append(piece * fade)
        soundfile.write(folder / name, np.concatenate(pieces), RATE)
        start = f"2026-06-{night + 1:02d}T22:00:00Z"
        recordings.append((name, sensor, f"{sensor}, night {night + 1}", start))
names = ["path", "sensor_id", "session", "start_time_utc"]
pandas.DataFrame(recordings, columns=names).to_csv(folder / "recordings.csv", index=False)
pandas.DataFrame(labels, columns=["path", "onset_s", "label"]).to_csv(folder / "labels.csv", index=False)
print((folder / "recordings.csv").read_text()[:180])
print((folder / "labels.csv").read_text()[:100])

# %%
# A *session* is what was recorded together, here a sensor's night. Everything in it shares weather,
# traffic and a neighbour's party, so sessions are what the intervals below are drawn over.
#
# What a detector said
# --------------------
#
# Somebody's detector calls every sudden rise in loudness and gives its decibels as a score. It is
# written as its makers write it, with column names of their own.

said = []
for name, *_ in recordings:
    samples, _ = soundfile.read(folder / name)
    frames = samples[: len(samples) // 240 * 240].reshape(-1, 240)  # 20 ms each
    level_db = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    before_db = pandas.Series(level_db).rolling(25).median().shift(1).to_numpy()
    rise_db = np.nan_to_num(level_db - before_db, nan=0.0)
    highest = pandas.Series(rise_db).rolling(25, center=True, min_periods=1).max().to_numpy()
    for at in np.flatnonzero((rise_db == highest) & (rise_db > 3)):
        said.append((name, round(at * 0.02, 2), round(float(rise_db[at]), 2)))
pandas.DataFrame(said, columns=["file", "t0", "rise_db"]).to_csv(folder / "loudness.csv", index=False)
print((folder / "loudness.csv").read_text()[:90])

# %%
# Read the three tables
# ---------------------
#
# ``read_log`` brings them together: names of recordings are matched, times checked, and whatever is
# left out is said. ``columns`` says what the other table calls an onset and a score.

from tocsin.evaluation.bench.reading.read_log import read_detector, read_log
from tocsin.evaluation.bench.reading.recognise import EventFile

theirs = {"recording": "file", "onset_s": "t0", "score": "rise_db"}
log = read_log(
    folder / "recordings.csv",
    EventFile(folder / "labels.csv"),
    EventFile(folder / "loudness.csv", columns=theirs),
    complain=print,
)

# %%
# Figures at a budget
# -------------------
#
# Nobody can follow every alarm. So the question is how many shots a detector finds at the false
# alarms that can be borne. Here are ten minutes, and more bangs in it than in a month of most
# streets: the budget of this lesson is 120 false alarms a sensor-hour. On a street one would say ``1
# per sensor-week``. ``evaluate`` matches each label with at most one detection, within 0.2 s, and
# counts detections that follow one another within a second as one alarm.
#
# .. code-block:: sh
#
#    tocsin evaluate recordings.csv --truth labels.csv --detections loudness.csv \
#        --columns recording=file,onset_s=t0,score=rise_db \
#        --budget "120 per sensor-hour" --recall 0.6

from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.operating_point import LeastRecall, parse_budget
from tocsin.evaluation.bench.sections import sections_of

bases = [parse_budget("120 per sensor-hour"), LeastRecall(0.6)]
loudness = evaluate(log, bases=bases)
summary, *further = sections_of(loudness)
print(summary.markdown())

# %%
# An operating point
# ------------------
#
# The threshold was chosen on the recordings that it is judged on, so it looks better there than it
# will elsewhere. The *unseen* figures do without that: the sessions are dealt to five parts, and each
# part is judged at the threshold that the other four ask for. Believe those.

for basis, point in loudness.points:
    print(f"{basis.said}: threshold {point.threshold.value:.1f} dB")
    for where, recall, rate in (
        ("where it was chosen", point.recall, point.poisson),
        ("unseen", point.unseen_recall, point.unseen_rate),
    ):
        print(f"  {where}: finds {recall.value:.2f} ({recall.low:.2f} to {recall.high:.2f}), ", end="")
        print(f"{rate.value:.0f} false alarms an hour ({rate.low:.0f} to {rate.high:.0f})")

# %%
# Is another detector better?
# ---------------------------
#
# Tocsin's own weights listen to the same recordings. Both are then matched to the same labels, and
# sessions are drawn for both at once: what makes a night hard for both cancels out of the difference.
# Where its interval holds 0, these recordings do not tell the two apart.
#
# .. code-block:: sh
#
#    tocsin detect . > tocsin.csv
#    tocsin evaluate recordings.csv --truth labels.csv --detections loudness.csv \
#        --columns recording=file,onset_s=t0,score=rise_db --against tocsin-l --recall 0.6

from tocsin.evaluation.bench.comparison import compare

model = tocsin.load_model()
events = [event for name, *_ in recordings for event in model.detect(folder / name)]
pandas.DataFrame([event.to_row() for event in events]).to_csv(folder / "tocsin.csv", index=False)
second_log = read_detector(log, EventFile(folder / "tocsin.csv"))
second = evaluate(second_log, bases=bases)
comparison = compare(second, loudness, recall=0.6)
for one in (*comparison.at_thresholds, comparison.at_recall):
    apart = one.difference
    print(f"{one.figure}: {one.first:.2f} and {one.second:.2f}, ", end="")
    print(f"difference {apart.value:.2f} ({apart.low:.2f} to {apart.high:.2f})")

# %%
# All thresholds at once
# ----------------------
#
# Each point of a curve is a threshold: farther to the right it finds more, lower it cries wolf less
# often. The band is the 95 % interval of the false alarms.

from tocsin.evaluation.bench import curves

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
for evaluation, colour in ((second, "#0072B2"), (loudness, "#D55E00")):
    curve = curves.alarms_a_day(evaluation.counts)
    axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(curve.x, curve.y, color=colour, label=evaluation.log.detector)
axes.set(xlabel="share of gunshots found", ylabel="false alarms a sensor-day", yscale="log")
axes.set_title("Computed sounds: one point a threshold")
axes.legend()
plt.show()

# %%
# And where nobody labelled anything?
# -----------------------------------
#
# Then people listen to a sample. Suppose that there were no labels, and only what Tocsin said. An
# *alarm* is drawn from each range of scores, so that all ranges are heard, and pieces of the time
# without any alarm tell what was missed. Each clip knows how many others it stands for.
#
# .. code-block:: sh
#
#    tocsin review sample tocsin.csv --clips 60 --quiet 40 --quiet-s 2 --audio "$PWD" > sample.csv
#    tocsin review page sample.csv > page.html
#    tocsin review estimate sample.csv answers-anna.csv --at 0.1

from tocsin.evaluation.bench.review.answers import read_sample, verdicts
from tocsin.evaluation.bench.review.detections import alarms_of, read_detections
from tocsin.evaluation.bench.review.draw import draw_sample
from tocsin.evaluation.bench.review.estimate import curve_of
from tocsin.evaluation.bench.review.quiet import quiet_pieces

alarms = alarms_of(read_detections(folder / "tocsin.csv"))
durations_s = {str(folder / name): soundfile.info(folder / name).duration for name, *_ in recordings}
pieces = quiet_pieces(alarms, durations_s, length_s=2.0)
draw_sample(alarms, 60, seed=0, quiet=(pieces, 40)).to_csv(folder / "sample.csv", index=False)
sample = read_sample(folder / "sample.csv")
print(len(alarms), "alarms,", len(pieces), "pieces of quiet time;", len(sample), "clips to hear")

# %%
# In this lesson the labels answer in the place of a person: what a clip holds is the last bang that
# began before its alarm. A real reviewer uses the page, and may also say that she is not sure.

known = pandas.DataFrame(labels, columns=["path", "onset_s", "label"])


def answer(row):
    begins, ends = (0.0, row.length_s) if row.kind == "quiet" else (-2.0, 0.2)
    inside = known[known["path"] == Path(row.recording).name]
    inside = inside[inside["onset_s"].between(row.onset_s + begins, row.onset_s + ends)]
    return inside["label"].iloc[-1] if len(inside) else "background"


answers = pandas.DataFrame({"id": sample["id"], "answer": [answer(row) for row in sample.itertuples()]})
estimated = curve_of(sample, verdicts(sample, [answers]))

# %%
# The estimate says what share of the alarms above a threshold is gunfire (precision), and what share of
# all gunfire they are (recall). Here everything can be answered, so the truth is at hand to compare.

every = alarms.assign(kind="alarm", length_s=0.0)
is_shot = np.array([answer(row) == "gunshot" for row in every.itertuples()])
quiet_shots = sum(answer(row) == "gunshot" for row in pieces.assign(kind="quiet").itertuples())
place = int(np.searchsorted(estimated.thresholds, 0.1))
called = (alarms["score"] >= estimated.thresholds[place]).to_numpy()
truths = (is_shot[called].mean(), is_shot[called].sum() / (is_shot.sum() + quiet_shots))
for figure_of, (ends, _), true in zip(
    ("precision", "recall"), (estimated.precision, estimated.recall), truths, strict=True
):
    print(
        f"{figure_of}: {ends.value[place]:.2f} ({ends.low[place]:.2f} to {ends.high[place]:.2f}); "
        f"{true:.2f} where everything is heard"
    )

# %%
# :doc:`Reviewing </review>` says how many clips are needed, and where such intervals are too narrow.
#
# The page
# --------
#
# All of it goes onto one page that opens in a browser without a network, with the worst errors to
# hear. :doc:`The bench </bench>` says how each figure is counted.
#
# .. code-block:: sh
#
#    tocsin evaluate recordings.csv --truth labels.csv --detections tocsin.csv \
#        --budget "120 per sensor-hour" --report report.html

from tocsin.evaluation.bench.page import page_of
from tocsin.evaluation.report.rendering import write_page

page = page_of(second, comparison)
write_page(page, folder / "report.html")
print(page.lead)
