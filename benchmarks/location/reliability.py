"""Does an incident's probability mean what it says? Simulated neighbourhoods, heard by the shipped weights.

    python benchmarks/location/reliability.py [--first-seed 0] [--seeds 30] [--streamed] [--model tocsin-s]

Every seed is a scene of ``tocsin demo``: a square kilometre with 12 sensors; half of its bangs are gunfire, the others
fireworks and backfires. Each is heard and located; an incident within 60 m of a true bang, and at most 4.5 s after its
beginning, is of that kind, and one that is near none is no gunfire. The table sets what the incidents state against
how many of them were gunfire. ``--streamed`` takes the detections through the engine of ``tocsin fuse``, where the
sensors that stay silent count as well, instead of all at once. The correlation of the sensors' errors in
``localization/incidents/evidence.py`` was chosen on seeds 100 to 126; the default seeds are others.
"""

import argparse
from itertools import pairwise

import numpy as np

from tocsin.acoustics.scene import Scene, render_scene, simulate_neighbourhood
from tocsin.evaluation.demo.trial import FRAME, START_UTC, detection_of
from tocsin.evaluation.measures.calibration import brier_score
from tocsin.inference.detect import detect
from tocsin.inference.detection import Detection
from tocsin.inference.model import Model
from tocsin.localization.incidents.grouping import Incident, Status, incidents_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import air_of
from tocsin.localization.stream.fusion import Fusion

NEAR_M = 60.0
LONGEST_S = 4.5
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def main() -> None:
    """Run the seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--streamed", action="store_true", help="through the engine of tocsin fuse")
    parser.add_argument("--model", help="an .onnx, or the name of shipped weights (default: tocsin-l)")
    options = parser.parse_args()
    model = Model(options.model)
    stated, true = [], []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        scene = simulate_neighbourhood(seed)
        for incident in incidents_in(scene, heard_in(scene, model), options.streamed):
            stated.append(incident.probability)
            true.append(kind_of(incident, scene) == "gunshot")
    print_table(np.array(stated), np.array(true, dtype=float))


def heard_in(scene: Scene, model: Model) -> list[Detection]:
    """All detections of a scene, in order of time."""
    detections = [
        detection_of(sensor, event, model.card.model_id)
        for sensor, samples in zip(scene.sensors, render_scene(scene), strict=True)
        for event in detect(samples, scene.sample_rate, model)
    ]
    return sorted(detections, key=lambda item: item.onset_time_utc)


def incidents_in(scene: Scene, detections: list[Detection], streamed: bool) -> list[Incident]:
    """The incidents of a scene, in the air that a weather report would give."""
    air = air_of({"temperature_c": float(round(scene.atmosphere.temperature_c))})
    if not streamed:
        return incidents_of(locate(detections, air))
    engine, last = Fusion(air), {}
    for item in detections:
        engine.push([item])
        last.update({incident.incident_id: incident for incident in engine.advance()})
    last.update({incident.incident_id: incident for incident in engine.finish()})
    return [incident for incident in last.values() if incident.status is not Status.withdrawn]


def kind_of(incident: Incident, scene: Scene) -> str:
    """Label of the bang that an incident is, or nothing."""
    x_m, y_m, _ = FRAME.to_local(incident.place.latitude or 0.0, incident.place.longitude or 0.0)
    for event in scene.events:
        after_s = (incident.first_time_utc - START_UTC).total_seconds() - event.discharge_s
        if -0.5 <= after_s <= LONGEST_S and np.hypot(x_m - event.x_m, y_m - event.y_m) <= NEAR_M:
            return event.label
    return ""


def print_table(stated: np.ndarray, true: np.ndarray) -> None:
    """Markdown: of each bin the incidents, the mean of what they state, and the share that was gunfire."""
    print("| stated | incidents | mean stated | were gunfire |\n|---|---|---|---|")
    gap = 0.0
    for low, high in pairwise(BINS):
        inside = (stated >= low) & (stated < high + (high == 1.0))
        if inside.any():
            gap += abs(stated[inside].mean() - true[inside].mean()) * inside.mean()
            print(
                f"| {low:.1f}–{high:.1f} | {inside.sum()} | {stated[inside].mean():.2f} | {true[inside].mean():.2f} |"
            )
    print(
        f"\n{len(stated)} incidents; expected calibration error {gap:.3f}, Brier score {brier_score(stated, true):.3f}"
    )


if __name__ == "__main__":
    main()
