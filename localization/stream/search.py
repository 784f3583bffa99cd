"""The search of a step: rounds in each neighbourhood of the open detections, weighed by who stayed silent."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from tocsin import TocsinError
from tocsin.inference.detection import GEOGRAPHIC_COLUMNS, LOCAL_COLUMNS, Detection
from tocsin.localization.association.back_projection import SHOT_COST
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.fitting.acceptance import PLACE_COST
from tocsin.localization.incidents.evidence import EVEN_SCORE, SCORE_SCALE, gunfire_probability, weigh_silence
from tocsin.localization.incidents.prior import NEARBY_S, Sound, sound_of, with_prior
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import FARTHEST_M, ONE_SENSOR_M
from tocsin.localization.observation.nearby import hearing_at_distance
from tocsin.localization.observation.travel import Air
from tocsin.localization.stream.neighbourhoods import neighbourhoods
from tocsin.localization.stream.open_detections import Key, OpenDetections, keys_of
from tocsin.localization.stream.sensor_register import SensorRegister

CROWD = 600  # open detections from which all are one neighbourhood


class Search:
    """Finds the rounds among open detections; a neighbourhood in which nothing is new is not searched again.

    Args:
        detections: those in memory.
        sensors: where they stand, and which are up.
        air: the air.
        input_name: what to write into ``Shot.input``.
        complain: called with one sentence about what cannot be located.

    Attributes:
        most: detections of the largest neighbourhood of the last search.
    """

    def __init__(
        self,
        detections: OpenDetections,
        sensors: SensorRegister,
        air: Air,
        input_name: str,
        complain: Callable[[str], None],
    ) -> None:
        self.most = 0
        self._detections = detections
        self._sensors = sensors
        self._air = air
        self._name = input_name
        self._complain = complain
        self._located: dict[tuple[Key, ...], list[Shot]] = {}
        self._sounds: dict[tuple[Key, ...], Sound] = {}
        self._past: list[Sound] = []

    def rounds(self, end_s: float) -> list[Shot]:
        """Rounds discharged before a time, seconds since 1970, in order of discharge.

        How likely gunfire is before one is judged comes from the others and from what was closed before.
        """
        found: list[Shot] = []
        located: dict[tuple[Key, ...], list[Shot]] = {}
        for members in self._neighbourhoods():
            shots = self._located.get(members)
            located[members] = self._locate(members) if shots is None else shots
            found += [shot for shot in located[members] if shot.discharge_time_utc.timestamp() < end_s]
        self._located = located
        self.most = max(map(len, located), default=0)
        found.sort(key=lambda shot: (shot.discharge_time_utc, shot.shot_id))
        sounds = [sound_of(shot, self._detections.of(shot), self._sensors.metres(shot)) for shot in found]
        self._sounds = {tuple(keys_of(shot)): sound for shot, sound in zip(found, sounds, strict=True)}
        return with_prior(found, sounds, self._past)

    def close(self, shot: Shot, end_s: float) -> None:
        """Let a round that changes no more speak for later ones, while it is near in time."""
        self._past = [sound for sound in self._past if sound.time_s >= end_s - NEARBY_S]
        self._past.append(self._sounds[tuple(keys_of(shot))])

    def _neighbourhoods(self) -> list[tuple[Key, ...]]:
        """Detections that are not spent, in groups that no sound joins, each in order of time."""
        keys = self._detections.unspent()
        if not keys or len(keys) > CROWD:
            return [tuple(keys)] if keys else []
        places = np.array([self._sensors.places[sensor] for sensor, _ in keys])
        times_s = np.array([self._detections.open[key].onset_time_utc.timestamp() for key in keys])
        groups = neighbourhoods(places, times_s - times_s[0], self._air)
        return [tuple(keys[index] for index in group) for group in groups]

    def _locate(self, members: tuple[Key, ...]) -> list[Shot]:
        sensors = {sensor for sensor, _ in members}
        if len(sensors) < LEAST_SENSORS:
            return []
        detections = self._detections.around(members)
        try:
            shots = self._shots(detections)
        except TocsinError as error:
            # Each position may be of the site, and yet all not of one neighbourhood: one must not silence the others.
            self._complain(f"detections that came together do not fit together, some are left out: {error}")
            try:
                shots = self._shots(self._compact(detections))
            except TocsinError as again:
                self._complain(f"{len(members)} detections are left out: {again}")
                return []
        here = Counter(shot.place for shot in shots)
        weighed = [(shot, self._weigh(shot, sensors)) for shot in shots]
        # The association, had it known of the silent sensors, would not have found what falls below its own costs.
        return [
            shot
            for before, shot in weighed
            if shot == before or shot.probability >= _least_share(here[shot.place]) * self._gunfire(shot)
        ]

    def _shots(self, detections: list[Detection]) -> list[Shot]:
        return locate(detections, self._air, self._name, self._detections.spent, from_even_odds=True)

    def _compact(self, detections: list[Detection]) -> list[Detection]:
        """Those of sensors near the middle of all, each sensor's where its first of them is."""
        first: dict[str, Detection] = {}
        for item in detections:
            first.setdefault(item.sensor_id, item)
        places = np.array([self._sensors.places[sensor] for sensor in first])
        away_m = np.abs(places - np.median(places, axis=0)).max(axis=1)
        near = {sensor for sensor, away in zip(first, away_m, strict=True) if away < FARTHEST_M - ONE_SENSOR_M}
        names = (*LOCAL_COLUMNS, *GEOGRAPHIC_COLUMNS)
        return [
            item.model_copy(update={name: getattr(first[item.sensor_id], name) for name in names})
            for item in detections
            if item.sensor_id in near
        ]

    def _weigh(self, shot: Shot, answered: set[str]) -> Shot:
        """Let the silence of sensors count that are up and sent nothing at all; the association knows of the others."""
        at_s = shot.discharge_time_utc.timestamp()
        silent = self._sensors.silent_at(at_s, answered)
        if not silent:
            return shot
        places = np.array([self._sensors.places[sensor] for sensor in silent])
        hearing = hearing_at_distance(np.hypot(*(places - self._sensors.metres(shot)).T))
        return replace(shot, probability=weigh_silence(shot.probability, self._gunfire(shot), hearing))

    def _gunfire(self, shot: Shot) -> float:
        return gunfire_probability(self._detections.of(shot), shot.airborne)


def _least_share(rounds: int) -> float:
    """The probability of one sound below which a round, of so many at one place, is none."""
    return float(expit((SHOT_COST + PLACE_COST / rounds - EVEN_SCORE) / SCORE_SCALE))
