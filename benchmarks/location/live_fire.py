"""The published live fire, located: from the publisher's pulses or from raw audio, by the code of ``tocsin locate``.

    python benchmarks/location/live_fire.py --recordings ../shared --from pulses|audio
        [--sensors N --repeats R --seed S] [--positions FP8,FP9] [--no-classify] [--maps FOLDER]

Each test is written in the contract formats (array recording, detections table) and located from there. A test counts
by its answer: the shot of highest probability, unambiguous before ambiguous; truth takes no part in the choice. A shot
of a test is *found* where a reported, unambiguous shot lies within 25 m of the survey (one for one, so a test of three
rounds needs three); *false* is an unambiguous shot beyond 25 m, or one more than there were rounds. *Covered* is the
share of unambiguous shots within 25 m whose 95 % ellipse, widened by the 2.5 m of the survey, holds the survey.

With --sensors each repeat keeps N random sensors of those that the publisher's shots name (all where fewer).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tocsin.data.complaints import complain
from tocsin.data.public.pittsburgh import LiveFireTest, read_live_fire, write_array_recording, write_detections
from tocsin.inference.model import Model
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.inputs import read_input
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air

SURVEY_SIGMA_M = 2.5
TEST_POSITIONS = ("FP8", "FP9")
CHI_SQUARE_95_2D = 5.991464547107979


@dataclass
class Score:
    """Counts over tests of one group."""

    errors_m: list[float] = field(default_factory=list)
    ambiguous: list[bool] = field(default_factory=list)
    expected: int = 0
    reported: int = 0
    found: int = 0
    false: int = 0
    ambiguous_shots: int = 0
    inside: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, test: LiveFireTest, shots: list[Shot], seconds: float) -> None:
        """Score the shots of one test."""
        errors = [error_m(test, shot) for shot in shots]
        answer = answer_of(shots)
        self.errors_m.append(np.inf if answer is None else error_m(test, answer))
        self.ambiguous.append(answer is not None and answer.ambiguous)
        sure = [(shot, error) for shot, error in zip(shots, errors, strict=True) if not shot.ambiguous]
        near = sum(error <= 25.0 for _, error in sure)
        self.expected += test.rounds
        self.reported += len(shots)
        self.found += min(near, test.rounds)
        self.false += len(sure) - min(near, test.rounds)
        self.ambiguous_shots += len(shots) - len(sure)
        self.inside += [covers(test, shot) for shot, error in sure if error <= 25.0]
        self.seconds.append(seconds)

    def row(self, name: str) -> str:
        """One line of the table."""
        errors, ambiguous = np.array(self.errors_m), np.array(self.ambiguous)
        sure = errors[~ambiguous & np.isfinite(errors)]
        located = errors[np.isfinite(errors)]
        share = [np.mean(errors <= limit) for limit in (15.0, 25.0)]
        sure_share = np.mean(sure <= 25.0) if sure.size else np.nan
        quantiles = np.quantile(located, [0.5, 0.9]) if located.size else [np.nan, np.nan]
        return (
            f"{name:<12}{errors.size:>6}{share[0]:>8.1%}{share[1]:>8.1%}{quantiles[0]:>8.1f}{quantiles[1]:>8.1f}"
            f"{np.mean(ambiguous):>9.1%}{np.mean(~np.isfinite(errors)):>7.1%}{sure_share:>10.1%}"
            f"{self.found:>7}/{self.expected:<5}{self.false:>5}{self.ambiguous_shots:>8}"
            f"{np.mean(self.inside) if self.inside else np.nan:>9.1%}{np.mean(self.seconds):>7.2f}"
        )


HEADER = (
    f"{'':<12}{'tests':>6}{'<=15 m':>8}{'<=25 m':>8}{'median':>8}{'p90':>8}{'ambig.':>9}{'none':>7}{'sure<=25':>10}"
    f"{'found/shots':>13}{'false':>5}{'ambig.':>8}{'covered':>9}{'s/test':>7}"
)


def answer_of(shots: Sequence[Shot]) -> Shot | None:
    """The most probable shot, unambiguous before ambiguous."""
    return max(shots, key=lambda shot: (not shot.ambiguous, shot.probability), default=None)


def error_m(test: LiveFireTest, shot: Shot) -> float:
    """Distance of a shot from the survey, metres, in the plane."""
    assert shot.place.x_m is not None
    assert shot.place.y_m is not None
    return float(np.hypot(shot.place.x_m - test.survey.x_m, shot.place.y_m - test.survey.y_m))


def covers(test: LiveFireTest, shot: Shot) -> bool:
    """Whether the 95 % ellipse, widened by the survey's own error, holds the survey."""
    assert shot.place.x_m is not None
    assert shot.place.y_m is not None
    east, north = test.survey.x_m - shot.place.x_m, test.survey.y_m - shot.place.y_m
    azimuth = np.radians(shot.ellipse_95.azimuth_deg)
    along, across = east * np.sin(azimuth) + north * np.cos(azimuth), east * np.cos(azimuth) - north * np.sin(azimuth)
    axes = np.array([shot.ellipse_95.semi_major_m, shot.ellipse_95.semi_minor_m])
    variances = axes**2 / CHI_SQUARE_95_2D + SURVEY_SIGMA_M**2
    return bool(along**2 / variances[0] + across**2 / variances[1] <= CHI_SQUARE_95_2D)


def write_input(test: LiveFireTest, source: str, folder: Path, sensors: list[str] | None) -> Path:
    """Write one test in the contract format and return what to locate."""
    if source == "audio":
        return write_array_recording(test, folder)
    return write_detections(test, folder / "detections.csv", sensors)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared"))
    parser.add_argument("--from", dest="source", choices=["pulses", "audio"], default="pulses")
    parser.add_argument("--sensors", type=int, help="keep this many random sensors (pulses only)")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--positions", help="firing positions, such as FP1,FP2; default: all")
    parser.add_argument("--model", help="an .onnx for the audio; default: the shipped weights")
    parser.add_argument("--no-classify", action="store_true", help="locate bangs alone, without class probabilities")
    parser.add_argument("--maps", type=Path, help="folder for a map of every test")
    options = parser.parse_args()
    if options.sensors and options.source == "audio":
        parser.error("--sensors goes with --from pulses")
    tests = read_live_fire(options.recordings / "live-fire" / "pittsburgh-2018")
    if options.positions:
        tests = [test for test in tests if test.firing_position in options.positions.split(",")]
    classify = options.source == "audio" and not options.no_classify
    model = Model(options.model) if classify else None
    generator = np.random.default_rng(options.seed)
    scores: dict[str, Score] = {}
    for _ in range(options.repeats):
        for test in tests:
            sensors = None
            if options.sensors:
                heard = sorted({pulse.sensor_id for pulse in test.pulses if pulse.shot_index is not None})
                sensors = sorted(generator.choice(heard, min(options.sensors, len(heard)), replace=False).tolist())
            with tempfile.TemporaryDirectory() as folder:
                name = str(write_input(test, options.source, Path(folder), sensors))
                began = time.perf_counter()
                detections, weather = read_input(name, lambda: model, complain)
                air = Air(**(weather.model_dump() if weather else {"temperature_c": test.weather.temperature_c}))
                shots = locate(detections, air, test.name)
                seconds = time.perf_counter() - began
            kind = "test FP" if test.firing_position in TEST_POSITIONS else "tuning FP"
            for group in (test.firing_position, f"{kind}s", "all"):
                scores.setdefault(group, Score()).add(test, shots, seconds)
            if options.maps:
                draw(test, shots, {d.sensor_id: (d.x_m, d.y_m) for d in detections}, options.maps)
    print(f"from {options.source}, sensors {options.sensors or 'all'}, repeats {options.repeats}, seed {options.seed}")
    print(HEADER)
    for group in sorted(scores, key=lambda name: (name == "all", name.startswith("t"), name)):
        print(scores[group].row(group))
    sys.stdout.flush()


def draw(
    test: LiveFireTest, shots: list[Shot], sensors: dict[str, tuple[float | None, float | None]], folder: Path
) -> None:
    """Draw the sensors, the survey, the shots with their ellipses and alternatives."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Ellipse

    figure, axes = pyplot.subplots(figsize=(8, 8))
    for name, (x_m, y_m) in sensors.items():
        axes.plot(x_m, y_m, "k^", markersize=5)
        axes.annotate(name[-4:], (x_m, y_m), fontsize=6)
    axes.plot(test.survey.x_m, test.survey.y_m, "g+", markersize=16, label="survey")
    for shot in shots:
        colour = "tab:orange" if shot.ambiguous else "tab:red"
        axes.plot(shot.place.x_m, shot.place.y_m, ".", color=colour)
        axes.add_patch(
            Ellipse(
                (shot.place.x_m or 0.0, shot.place.y_m or 0.0),
                2 * shot.ellipse_95.semi_major_m,
                2 * shot.ellipse_95.semi_minor_m,
                angle=90.0 - shot.ellipse_95.azimuth_deg,
                fill=False,
                color=colour,
            )
        )
        for other in shot.alternatives:
            axes.plot(other.place.x_m, other.place.y_m, "x", color="grey", markersize=4 + 8 * other.weight)
    axes.set_aspect("equal")
    axes.set_title(f"{test.name}: {len(shots)} shots of {test.rounds}")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{test.name.replace('/', '_')}.png", dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
