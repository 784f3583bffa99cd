"""
2. From the sensors' recordings to located shots
================================================

Several sensors recorded the same minute. This lesson reads their files, finds the bangs in each,
and fuses them into shots: where and when each was fired, and how sure that is.

The neighbourhood is simulated, so that the truth is known: twelve sensors on a square kilometre,
shootings among fireworks and backfires. The base install is enough, and matplotlib draws.
"""

# %%
# The recordings
# --------------
#
# An *array recording* is a folder with a file for each sensor and a table ``recordings.csv`` that
# says which sensor it is, where it stands and when its file begins. ``weather.json`` beside it
# gives the temperature, since sound is faster in warm air. :doc:`formats </formats>` has every column.

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from matplotlib import pyplot as plt
from matplotlib.patches import Ellipse

import tocsin

scene = tocsin.acoustics.simulate_neighbourhood(seed=1)
folder = Path(tempfile.mkdtemp()) / "array"
folder.mkdir()
with (folder / "recordings.csv").open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["path", "sensor_id", "start_time_utc", "x_m", "y_m", "z_m"])
    sounds = tocsin.acoustics.render_scene(scene)
    for sensor, samples in zip(scene.sensors, sounds, strict=True):
        name = f"{sensor.sensor_id}.wav"
        place = [f"{value:.2f}" for value in sensor.surveyed_m]
        soundfile.write(folder / name, samples, scene.sample_rate)
        table.writerow([name, sensor.sensor_id, "2026-01-01T00:00:00Z", *place])
temperature_c = round(scene.atmosphere.temperature_c)
(folder / "weather.json").write_text(json.dumps({"temperature_c": temperature_c}))
print((folder / "recordings.csv").read_text()[:260], "…")

# %%
# One sensor's bangs
# ------------------
#
# A sensor says of every bang when it began, to about a millisecond, and what it sounded like. It
# does not know yet where it was.

model = tocsin.load_model()
events = model.detect(folder / "S06.wav")
print(len(events), "bangs, the first of them:")
columns = ["onset_s", "onset_sigma_s", "label", "confidence", "snr_db"]
print(events.to_dataframe()[columns].head(8).round(4))

# %%
# Here is the recording with those bangs. Orange lines are what was called a gunshot, grey ones
# everything else.

audio = tocsin.read_audio(folder / "S06.wav")
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
samples = audio.samples + 1e-7  # silence has no logarithm
axes.specgram(samples, NFFT=512, Fs=audio.sample_rate, cmap="Greys", vmin=-130)
for event in events:
    colour = "#D55E00" if event.label == "gunshot" else "0.5"
    axes.axvline(event.onset_s, ymin=0.9, color=colour, lw=2)
axes.set(xlabel="seconds", ylabel="hertz", ylim=(0, 6000))
axes.set_title("What sensor S06 heard")
plt.show()

# %%
# All sensors' bangs become shots
# -------------------------------
#
# ``detect_array`` does the same for every file and adds the sensor's place and the time of day.
# The detections may be written to a table and located later, or on another machine: a detection is
# a line of a few numbers, and no sound has to leave the sensor.

array = tocsin.read_array_recording(folder)
detections = tocsin.detect_array(array, model)
tocsin.write_detections(folder / "detections.csv", detections)
print(len(detections), "detections of", len(array.recordings), "sensors")

shots = tocsin.locate(folder / "detections.csv", temperature_c=temperature_c)
columns = ["discharge_time_utc", "x_m", "y_m", "semi_major_m", "n_sensors", "probability"]
table = shots.to_dataframe()[columns]
print(table[table.probability > 0.1].to_string(float_format="{:.2f}".format))

# %%
# Above are the shots that are likelier gunfire than one in ten. Shots that are close in place and
# time are one incident, and it is reported where gunfire is likelier than not. The probability is
# stated as if half of what several sensors hear were gunfire: where less is, it says too much, and
# :doc:`place </place>` says how well it holds in simulations.

incidents = tocsin.incidents_of(shots)
threshold = 0.5
for incident in incidents:
    where = f"({incident.place.x_m:.0f}, {incident.place.y_m:.0f}) m"
    said = "reported" if incident.probability >= threshold else "not reported"
    print(f"{incident.rounds} rounds at {where}, probability {incident.probability:.2f}: {said}")

# %%
# The map
# -------
#
# Crosses are the truth. A filled ellipse holds the place with a probability of 95 %; circles are
# bangs that were located and not reported as gunfire.

colours = {"gunshot": "#D55E00", "fireworks": "#0072B2", "backfire": "#009E73"}
figure, axes = plt.subplots(figsize=(7, 7), layout="constrained")
places = np.array([sensor.surveyed_m for sensor in scene.sensors])
axes.plot(places[:, 0], places[:, 1], "^", color="0.3", ms=9, label="sensor")
for label, colour in colours.items():
    true = [(event.x_m, event.y_m) for event in scene.events if event.label == label]
    axes.plot(*np.transpose(true), "x", color=colour, ms=10, mew=2, label=f"true {label}")
for incident in incidents:
    place, shape = (incident.place.x_m, incident.place.y_m), incident.ellipse_95
    if incident.probability >= threshold:
        size, angle = (2 * shape.semi_major_m, 2 * shape.semi_minor_m), 90 - shape.azimuth_deg
        axes.add_patch(Ellipse(place, *size, angle=angle, color=colours["gunshot"], alpha=0.35))
    else:
        axes.plot(*place, "o", mfc="none", color="0.4", ms=12)
axes.set(xlim=(0, 1000), ylim=(0, 1000), aspect="equal")
axes.set(xlabel="metres east", ylabel="metres north")
axes.legend(loc="upper left", bbox_to_anchor=(0, -0.08), ncols=4, frameon=False)
plt.show()

# %%
# In a terminal the same is two commands: ``tocsin detect array/ --format detections`` writes the
# table of detections, and ``tocsin locate`` reads it. ``tocsin locate array/`` does both at once.
