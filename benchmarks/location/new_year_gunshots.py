"""Gunshots among the fireworks of New Year's Eve: how many are found, and how many fireworks are taken for them.

    python benchmarks/location/new_year_gunshots.py [--sensors 100] [--rate 5] [--minutes 12] [--seed 0] [--before]

The town, its sensors, echoes and spurious pulses are those of `town.py`. Sounds are fireworks anywhere; every two
minutes there is a shooting somewhere, of one to three rounds half a second apart. Of each sound one session of the
same label is drawn from `class_scores.csv` (every session alike), and every detection of it, echoes too, gets the
probabilities of one of that session's recordings: so sensors that hear one sound err together, as much as the
recordings of a session do. A shooting keeps its session. Spurious pulses get those of impulses and background, from
any session each. The night is heard in stretches of 20 s with silence between, so that ``--minutes`` of sound take as
long as in `town.py`; a shooting falls into every sixth of them.

All detections go through ``locate`` at once, on one core; ``--streamed`` takes them through the engine of `tocsin
fuse`. ``--before`` locates as if no class were known and weighs each shot afterwards from even odds. A shooting is
found where an incident of a probability of one half or more lies within 50 m and 1 s of it, one for one, as in the
demo; every other such incident is false gunfire. *Located* are the shootings that an incident of any probability lies
at.
"""

import argparse
import csv
import time
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from town import AIR, START, hear, make_town, sounds_per_s

from tocsin.data.labels import CLASSES
from tocsin.evaluation.demo.scoring import Gunfire, score
from tocsin.evaluation.demo.trial import EVEN
from tocsin.inference.detection import Detection
from tocsin.localization.incidents.evidence import gunfire_probability
from tocsin.localization.incidents.grouping import Incident, Status, incidents_of
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.stream.fusion import Fusion

TABLE = Path(__file__).parent / "class_scores.csv"
STRETCH_S, PAUSE_S = 20.0, 25.0
STRETCHES_A_SHOOTING = 6
MOST_ROUNDS, INTERVAL_S = 3, 0.5
BATCH_S = 1.0

Answers = list[dict[str, float]]


def main() -> None:
    """Simulate, locate, score, print a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5.0, help="detections a second and sensor")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--before", action="store_true", help="class in neither the search nor the prior odds")
    parser.add_argument("--streamed", action="store_true", help="through the engine of tocsin fuse")
    options = parser.parse_args()
    generator = np.random.default_rng([options.seed, options.sensors])
    detections, shootings = make_night(options.sensors, options.rate, 60.0 * options.minutes, generator)
    began = time.process_time()
    if options.streamed:
        incidents = streamed(detections)
    else:
        incidents = list(incidents_of(classless(detections) if options.before else locate(detections, AIR)))
    speed = len(detections) / (time.process_time() - began)
    sure = [item for item in incidents if item.probability >= EVEN]
    found = score(shootings, [gunfire_of(item) for item in sure])
    located = score(shootings, [gunfire_of(item) for item in incidents])
    hours = options.minutes / 60.0
    print(
        "| rate | seed | detections | shootings | located | found | false gunfire an hour | incidents an hour | det/s |"
    )
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
    answers = answers_by_label()
    detections: list[Detection] = []
    shootings: list[Gunfire] = []
    for number in range(round(seconds / STRETCH_S)):
        begin_s = number * (STRETCH_S + PAUSE_S)
        sounds, of_sound = [], []
        for _ in range(generator.poisson(sounds_per_s(positions_m, rate) * STRETCH_S)):
            sounds.append((*_place(positions_m, generator), generator.uniform(0.0, STRETCH_S)))
            of_sound.append(_drawn(answers["fireworks"], generator))
        if number % STRETCHES_A_SHOOTING == STRETCHES_A_SHOOTING // 2:
            east, north = _place(positions_m, generator)
            rounds = int(generator.integers(1, MOST_ROUNDS + 1))
            fired_s = generator.uniform(0.25, 0.75) * STRETCH_S + INTERVAL_S * np.arange(rounds)
            sounds += [(east, north, at_s) for at_s in fired_s.tolist()]
            of_sound += [_drawn(answers["gunshot"], generator)] * rounds
            shootings.append(Gunfire(east, north, tuple((begin_s + fired_s).tolist())))
        rows, _ = hear(positions_m, sounds, STRETCH_S, generator)
        others = answers["impulse"] + answers["background"]
        for sensor, at_s, rise_db, sound in rows:
            session = of_sound[sound] if sound >= 0 else _drawn(others, generator)
            detections.append(
                Detection(
                    detection_id=str(len(detections)),
                    sensor_id=f"s{sensor:04d}",
                    onset_time_utc=START + timedelta(seconds=begin_s + at_s),
                    x_m=positions_m[sensor, 0],
                    y_m=positions_m[sensor, 1],
                    snr_db=rise_db,
                    probabilities=session[int(generator.integers(len(session)))],
                )
            )
    return detections, shootings


def _place(positions_m: np.ndarray, generator: np.random.Generator) -> tuple[float, float]:
    east, north = generator.uniform(positions_m.min(axis=0), positions_m.max(axis=0)).tolist()
    return east, north


def _drawn(sessions: list[Answers], generator: np.random.Generator) -> Answers:
    return sessions[int(generator.integers(len(sessions)))]


def classless(detections: list[Detection]) -> list[Shot]:
    """Shots located without the class probabilities, and gunfire by these from even odds."""
    heard = {item.detection_id: item for item in detections}
    bare = [item.model_copy(update={"probabilities": {}}) for item in detections]
    shots = []
    for shot in locate(bare, AIR, from_even_odds=True):
        one_sound = shot.probability / gunfire_probability([], shot.airborne)
        gunfire = gunfire_probability([heard[name] for name in shot.detections], shot.airborne)
        shots.append(replace(shot, probability=one_sound * gunfire))
    return shots


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
