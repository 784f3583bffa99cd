"""Gunshots among the fireworks of New Year's Eve: how many are found, and how many fireworks are taken for them.

    python benchmarks/location/new_year_gunshots.py [--sensors 100] [--rate 5] [--minutes 20] [--seed 0] [--blind]

The town, its sensors, echoes and spurious pulses are those of `town.py`. Sounds are fireworks anywhere; every two
minutes there is a shooting somewhere, of one to three rounds half a second apart. Of each sound one session of the
same label is drawn from `class_scores.csv` (every session alike), and every detection of it, echoes too, gets the
probabilities of one of that session's recordings: so sensors that hear one sound err together, as much as the
recordings of a session do. A shooting keeps its session. Spurious pulses get those of impulses and background, from
any session each. ``--blind`` leaves the fireworks and shootings as they are and gives no detection probabilities.

All detections go through ``locate`` at once, on one core; ``--streamed`` takes them through the engine of `tocsin
fuse`. A shooting is found where an incident of a probability of one half or more lies within 50 m and 1 s of it, one
for one, as in the demo; every other such incident is false gunfire. *Located* are the shootings that an incident of
any probability lies at.
"""

import argparse
import csv
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np
from town import AIR, START, hear, make_town, sounds_per_s

from tocsin.data.labels import CLASSES
from tocsin.evaluation.demo.scoring import Gunfire, score
from tocsin.evaluation.demo.trial import EVEN
from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import Incident, Status, incidents_of
from tocsin.localization.locate import locate
from tocsin.localization.stream.fusion import Fusion

TABLE = Path(__file__).parent / "class_scores.csv"
EVERY_S = 120.0
MOST_ROUNDS, INTERVAL_S = 3, 0.5
BATCH_S = 1.0

Answers = list[dict[str, float]]


def main() -> None:
    """Simulate, locate, score, print a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5.0, help="detections a second and sensor")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blind", action="store_true", help="no class probabilities")
    parser.add_argument("--streamed", action="store_true", help="through the engine of tocsin fuse")
    options = parser.parse_args()
    generator = np.random.default_rng([options.seed, options.sensors])
    detections, shootings = make_night(options.sensors, options.rate, 60.0 * options.minutes, generator)
    if options.blind:
        detections = [item.model_copy(update={"probabilities": {}}) for item in detections]
    began = time.process_time()
    incidents = streamed(detections) if options.streamed else list(incidents_of(locate(detections, AIR)))
    speed = len(detections) / (time.process_time() - began)
    sure = [item for item in incidents if item.probability >= EVEN]
    found = score(shootings, [gunfire_of(item) for item in sure])
    located = score(shootings, [gunfire_of(item) for item in incidents])
    hours = options.minutes / 60.0
    print("| rate | seed | detections | shootings | located | found | false gunfire an hour | incidents an hour | det/s |")
    print("|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {options.rate:g} | {options.seed} | {len(detections)} | {len(shootings)} | {len(located.matches)} "
        f"| {len(found.matches)} | {len(found.false) / hours:.0f} | {len(incidents) / hours:.0f} | {speed:.0f} |"
    )


def answers_by_label() -> dict[str, list[Answers]]:
    """Of each label the answers to the recordings of each of its sessions."""
    sessions: dict[tuple[str, str], Answers] = defaultdict(list)
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            sessions[row["label"], row["session"]].append({name: float(row[name]) for name in CLASSES})
    by_label: dict[str, list[Answers]] = defaultdict(list)
    for (label, _), answers in sorted(sessions.items()):
        by_label[label].append(answers)
    return by_label


def make_night(
    sensors: int, rate: float, seconds: float, generator: np.random.Generator
) -> tuple[list[Detection], list[Gunfire]]:
    """Detections, and the shootings."""
    positions_m = make_town(sensors, generator)
    low, high = positions_m.min(axis=0), positions_m.max(axis=0)
    answers = answers_by_label()
    sounds: list[tuple[float, float, float]] = []
    of_sound: list[Answers] = []
    for _ in range(generator.poisson(sounds_per_s(positions_m, rate) * seconds)):
        sounds.append((*generator.uniform(low, high), generator.uniform(0.0, seconds)))
        of_sound.append(_drawn(answers["fireworks"], generator))
    shootings = []
    for begin_s in np.arange(0.0, seconds - EVERY_S / 2, EVERY_S):
        east, north = generator.uniform(low, high)
        session = _drawn(answers["gunshot"], generator)
        first_s = begin_s + generator.uniform(0.1, 0.9) * EVERY_S
        rounds_s = tuple(first_s + INTERVAL_S * number for number in range(generator.integers(1, MOST_ROUNDS + 1)))
        sounds += [(east, north, at_s) for at_s in rounds_s]
        of_sound += [session] * len(rounds_s)
        shootings.append(Gunfire(float(east), float(north), rounds_s))
    rows, _ = hear(positions_m, sounds, seconds, generator)
    others = answers["impulse"] + answers["background"]
    detections = [
        Detection(
            detection_id=str(number),
            sensor_id=f"s{sensor:04d}",
            onset_time_utc=START + timedelta(seconds=at_s),
            x_m=positions_m[sensor, 0],
            y_m=positions_m[sensor, 1],
            snr_db=rise_db,
            probabilities=_one(of_sound[sound] if sound >= 0 else _drawn(others, generator), generator),
        )
        for number, (sensor, at_s, rise_db, sound) in enumerate(rows)
    ]
    return detections, shootings


def _drawn(sessions: list[Answers], generator: np.random.Generator) -> Answers:
    return sessions[int(generator.integers(len(sessions)))]


def _one(session: Answers, generator: np.random.Generator) -> dict[str, float]:
    return session[int(generator.integers(len(session)))]


def streamed(detections: list[Detection]) -> list[Incident]:
    """The incidents that the engine of ``tocsin fuse`` leaves standing."""
    engine, last = Fusion(AIR), {}
    ordered = sorted(detections, key=lambda item: item.onset_time_utc)
    batches: dict[int, list[Detection]] = defaultdict(list)
    for item in ordered:
        batches[int((item.onset_time_utc - START).total_seconds() / BATCH_S)].append(item)
    for batch in batches.values():
        engine.push(batch)
        last.update({incident.incident_id: incident for incident in engine.advance()})
    last.update({incident.incident_id: incident for incident in engine.finish()})
    return [incident for incident in last.values() if incident.status is not Status.withdrawn]


def gunfire_of(incident: Incident) -> Gunfire:
    """Its place and the seconds of its rounds, as the truth is given."""
    rounds_s = tuple((shot.discharge_time_utc - START).total_seconds() for shot in incident.shots)
    return Gunfire(incident.place.x_m or 0.0, incident.place.y_m or 0.0, rounds_s)


if __name__ == "__main__":
    main()
