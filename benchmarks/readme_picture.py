"""The picture at the top of the README: a simulated neighbourhood as Tocsin hears it, and one sensor's recording.

python benchmarks/readme_picture.py

Left: the sensors, every shooting that was located, with its 95 % ellipse, and the true places of fireworks and
backfires, which were not reported as gunfire. Right: what the nearest sensor heard of the longest burst, with the
onsets that were picked and called gunshots. All is computed here, from simulated sound and the shipped weights. The
seed is one in which nothing was missed and nothing false was reported; ``python benchmarks/demo_seeds.py`` counts how
often that is so.
"""

import argparse
import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.mlab import specgram
from matplotlib.patches import Ellipse
from PIL import Image

from tocsin.acoustics.scene import AREA_M, Event, arrival_s, simulate_neighbourhood
from tocsin.evaluation.demo.trial import Located, Trial, run_trial
from tocsin.inference.model import Model

SEED = 7
PICTURE = Path(__file__).parents[1] / "docs/images/overview.png"
# Okabe and Ito's colours, which stay apart for colour-blind readers; the shapes differ as well.
GUNFIRE, FIREWORKS, BACKFIRE, SENSOR = "#D55E00", "#0072B2", "#009E73", "#444444"
OTHERS = {"fireworks": (FIREWORKS, "*", 420), "backfire": (BACKFIRE, "D", 150)}
BEFORE_S, AFTER_S, HIGHEST_KHZ = 0.15, 0.85, 4.0
WINDOW, OVERLAP = 256, 192  # samples, of the spectrogram
COLOURS = 96
SCALE_M = (140.0, 78.0)  # where the scale of the map stands
TEXT = 23.0  # points: the picture is also read on a telephone, at a third of its size


def main() -> None:
    """Simulate, hear, locate, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=PICTURE)
    options = parser.parse_args()
    trial = run_trial(simulate_neighbourhood(options.seed), Model())
    matplotlib.use("agg")
    pyplot.rcParams.update({"font.size": TEXT, "axes.titlesize": TEXT, "axes.titlepad": 14, "axes.linewidth": 0.8})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(14.0, 7.1), layout="constrained")
    draw_map(left, trial)
    draw_sound(right, trial)
    legend(figure)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=84)
    # Few colours are enough for few shapes, and make a file of a third of the size.
    Image.open(drawn).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(options.out, optimize=True)


def draw_map(axes: Axes, trial: Trial) -> None:
    """Sensors, incidents with their ellipses, and the bangs that were told apart from gunfire."""
    for sensor in trial.scene.sensors:
        axes.plot(sensor.x_m, sensor.y_m, "^", color=SENSOR, ms=14, mec="white", mew=1)
    for event in trial.scene.events:
        if event.label in OTHERS:
            colour, marker, size = OTHERS[event.label]
            axes.scatter(event.x_m, event.y_m, s=size, marker=marker, color=colour, edgecolors="white", zorder=3)
    for item in trial.incidents:
        shape = item.incident.ellipse_95
        axes.add_patch(
            Ellipse(
                (item.x_m, item.y_m),
                2 * shape.semi_major_m,
                2 * shape.semi_minor_m,
                angle=90 - shape.azimuth_deg,
                facecolor=GUNFIRE,
                edgecolor=GUNFIRE,
                alpha=0.55,
            )
        )
        axes.plot(item.x_m, item.y_m, "o", color=GUNFIRE, ms=6, mec="white", mew=1)
        rounds = item.incident.rounds
        words = f"{rounds} round{'s' if rounds > 1 else ''}"
        place = free_place(trial, item)
        axes.text(*place, words, ha="center", va="center", color=GUNFIRE, fontweight="bold", fontsize=TEXT - 2)
    axes.set(xlim=(0, AREA_M), ylim=(0, AREA_M), aspect="equal", xticks=[], yticks=[])
    axes.plot([SCALE_M[0] - 100, SCALE_M[0] + 100], [SCALE_M[1] - 40] * 2, color="black", lw=3, solid_capstyle="butt")
    axes.text(*SCALE_M, "200 m", ha="center", va="center")
    axes.set_title("Where it was fired", fontweight="bold")


def legend(figure: Figure) -> None:
    """What the marks mean, below both drawings."""
    figure.legend(
        handles=[
            Line2D([], [], color=SENSOR, marker="^", ls="", ms=11, label="sensor"),
            Line2D([], [], color=GUNFIRE, marker="o", ls="", ms=13, alpha=0.7, label="located gunfire"),
            Line2D([], [], color=FIREWORKS, marker="*", ls="", ms=18, label="fireworks"),
            Line2D([], [], color=BACKFIRE, marker="D", ls="", ms=11, label="backfire"),
            Line2D([], [], color=GUNFIRE, lw=3.5, label=" picked onset"),
        ],
        loc="outside lower center",
        ncols=5,
        frameon=False,
        handletextpad=0.1,
        columnspacing=0.9,
    )


def draw_sound(axes: Axes, trial: Trial) -> None:
    """The loudest recording of the longest burst: spectrogram, and the onsets that were picked."""
    index = max(trial.gunfire, key=lambda number: trial.scene.events[number].rounds)
    event, scene = trial.scene.events[index], trial.scene
    sensor = nearest_sensor(trial, event)
    begin_s = arrival_s(scene, index, sensor) - BEFORE_S
    rate = scene.sample_rate
    samples = trial.traces[sensor][round(begin_s * rate) : round((begin_s + BEFORE_S + AFTER_S) * rate)]
    power, frequency_hz, time_s = specgram(samples, WINDOW, rate, noverlap=OVERLAP)
    level_db = 10 * np.log10(power[frequency_hz <= 1000 * HIGHEST_KHZ] + 1e-14)
    top_db = float(level_db.max())
    extent = (time_s[0] - BEFORE_S, time_s[-1] - BEFORE_S, 0.0, HIGHEST_KHZ)
    axes.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="Greys",
        vmin=top_db - 60,
        vmax=top_db,
        interpolation="bilinear",
    )
    for found in trial.heard[sensor]:
        after_s = found.onset_s - begin_s - BEFORE_S
        if found.label == "gunshot" and -BEFORE_S < after_s < AFTER_S:
            axes.axvline(after_s, color=GUNFIRE, lw=3.5)
    axes.set(
        xlabel="seconds", ylabel="kilohertz", xticks=[0, 0.2, 0.4, 0.6], yticks=range(5), xlim=extent[:2], box_aspect=1
    )
    axes.set_title("What one sensor heard", fontweight="bold")


def free_place(trial: Trial, item: Located) -> tuple[float, float]:
    """Where the words of an incident stand, metres: above, below or beside it, farthest from every other mark."""
    across_m, up_m = 165.0, 55.0  # from the mark to the middle of the words
    marks = [(other.x_m, other.y_m) for other in (*trial.scene.sensors, *trial.scene.events)] + [SCALE_M]

    def room(place: tuple[float, float]) -> float:
        if not (across_m <= place[0] <= AREA_M - across_m and up_m <= place[1] <= AREA_M - up_m):
            return 0.0
        others = [mark for mark in marks if np.hypot(mark[0] - item.x_m, mark[1] - item.y_m) > up_m / 2]
        return min(max(abs(x_m - place[0]) / across_m, abs(y_m - place[1]) / up_m) for x_m, y_m in others)

    ways = ((0.0, up_m), (0.0, -up_m), (across_m, 0.0), (-across_m, 0.0))
    return max(((item.x_m + east_m, item.y_m + north_m) for east_m, north_m in ways), key=room)


def nearest_sensor(trial: Trial, event: Event) -> int:
    """Index of the sensor that stands nearest to an event."""
    away_m = [np.hypot(sensor.x_m - event.x_m, sensor.y_m - event.y_m) for sensor in trial.scene.sensors]
    return int(np.argmin(away_m))


if __name__ == "__main__":
    main()
