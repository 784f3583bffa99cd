"""
3. False alarms of a folder
===========================

Before a detector is trusted, someone asks two questions. How many gunshots does it find? And how
often does it report one that never was? This lesson answers both for a folder of labelled
recordings, and draws how one is paid for with the other.

The sounds are computed, so the figures say nothing about a street; for yours, put your own folder
in the place of this one. What was measured on real recordings stands in :doc:`hearing </hearing>`.
"""

# %%
# A folder of labelled recordings
# -------------------------------
#
# Forty gunshots, and four minutes of sounds that are none: other bangs, and a noisy street.

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from matplotlib import pyplot as plt

import tocsin
from tocsin.evaluation.measures.intervals import poisson_rate

folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(3)
for label in ("gunshot", "impulse", "background"):
    place = folder / label / "simulated"
    place.mkdir(parents=True)
    for index in range(40):
        samples = tocsin.acoustics.synthesize(label, generator, 12000, duration_s=3.0)
        soundfile.write(place / f"{index:02d}.wav", samples, 12000)
rows = tocsin.data.read_folder(folder)

# %%
# Score every file
# ----------------
#
# The detector runs over each file as it would on a sensor. Every bang has a probability that it is
# a gunshot, and nothing is decided yet: with the scores at hand, any threshold can be tried.

model = tocsin.load_model()
best_of_gunshots, scores_of_others, seconds_of_others = [], [], 0.0
for row in rows:
    scores = [event.probabilities["gunshot"] for event in model.detect(row.path)]
    if row.label == "gunshot":
        best_of_gunshots.append(max(scores, default=0.0))
    else:
        scores_of_others += scores
        seconds_of_others += soundfile.info(row.path).duration
hours = seconds_of_others / 3600
print(len(best_of_gunshots), "gunshots")
print(len(scores_of_others), f"bangs in {hours:.3f} hours of other sounds")

# %%
# One threshold
# -------------
#
# Few alarms in little time tell little. The interval says what rates are possible: with a
# probability of 95 % the true one lies in it, if alarms come independently of each other (an exact
# *Poisson interval*, :doc:`glossary </glossary>`). No alarm in *T* hours still allows 3.7 / *T* an
# hour.

for threshold in (model.card.threshold, 0.5, 0.9):
    found = sum(score >= threshold for score in best_of_gunshots)
    alarms = sum(score >= threshold for score in scores_of_others)
    rate = poisson_rate(alarms, hours)
    print(
        f"threshold {threshold:.3f}: finds {found} of {len(best_of_gunshots)}; "
        f"{alarms} false alarms, {rate.value:.0f} an hour ({rate.low:.0f} to {rate.high:.0f})"
    )

# %%
# All thresholds
# --------------
#
# Each point of the curve is a threshold. Lower ones find more and cry wolf more often. The band is
# the interval, and it stays wide however good the model is: only more hours make it narrow.

thresholds = np.linspace(0.02, 0.98, 97)[:, None]
recall = (np.array(best_of_gunshots) >= thresholds).mean(axis=1)
alarms = (np.array(scores_of_others) >= thresholds).sum(axis=1)
rates = [poisson_rate(int(number), hours) for number in alarms]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
low, high = [rate.low for rate in rates], [rate.high for rate in rates]
axes.fill_between(recall, low, high, color="#0072B2", alpha=0.2)
axes.plot(recall, [rate.value for rate in rates], color="#0072B2")
axes.set(xlabel="share of gunshots found", ylabel="false alarms an hour", ylim=(0, None))
axes.set_title("Computed sounds: one point a threshold")
plt.show()

# %%
# Whoever runs the sensors chooses the point: what is a missed shot worth, and how many false alarms
# can be looked at? ``tocsin evaluate`` measures the same on real recordings, with sessions kept
# apart; :doc:`measuring </evaluation>` says how.
