"""From detections to shots: the whole way as one pure function.

A shot's ``probability`` is the product of two: that the arrivals belong to one sound, from the evidence of the
association; and that the sound was gunfire, from the class probabilities of the sensors that took part
(``tocsin.localization.incidents.evidence``). Where no classifier spoke, the second is even odds: nothing is known.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tocsin import TocsinError
from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.data.dataframes import Table
from tocsin.inference.detection import Detection, make_ulid
from tocsin.localization.association.back_projection import Start
from tocsin.localization.association.consensus import LEAST_SENSORS, Candidate, associate, climb
from tocsin.localization.association.repeats import spent
from tocsin.localization.fitting.acceptance import REVERBERATION_S, accept, echoes_of, less_echoes
from tocsin.localization.fitting.ambiguity import judge
from tocsin.localization.fitting.settle import Located
from tocsin.localization.incidents.evidence import EVEN_SCORE, SCORE_SCALE, gunfire_probability
from tocsin.localization.incidents.grouping import assign_incidents
from tocsin.localization.incidents.prior import sound_of, with_prior
from tocsin.localization.incidents.shot import SHOT_COLUMNS, Alternative, Place, Rejected, Shot
from tocsin.localization.inputs import read_input
from tocsin.localization.observation.arrivals import Arrivals, Indices, Site, arrivals_of, site_of
from tocsin.localization.observation.frames import metres_of
from tocsin.localization.observation.resolution import with_rounding
from tocsin.localization.observation.travel import Air, air_of

Array = npt.NDArray[np.float64]

ECHO_WINDOW_S = 0.5
WINDOW_S = 20.0


def locate(
    detections: Iterable[Detection] | str | os.PathLike[str],
    atmosphere: Atmosphere | None = None,
    input_name: str = "",
    taken: Collection[tuple[str, str]] = (),
    *,
    temperature_c: float | None = None,
    wind_speed_mps: float | None = None,
    wind_from_deg: float | None = None,
    from_even_odds: bool = False,
) -> Table[Shot]:
    """Locate every shot among the detections of one site, in order of discharge.

    How likely gunfire is before a sound is judged comes from the other sounds of the input near it.

    Args:
        detections: of at least three sensors, in any order; one given twice (same sensor and id) counts once. Or, as
            the command takes it, the path of a table of detections or of an array recording, which the shipped weights
            then hear.
        atmosphere: the air, as :class:`~tocsin.localization.observation.travel.Air` with its wind.
        input_name: what to write into ``Shot.input``; the path where one is given.
        taken: sensor and id of detections that earlier shots hold: later ones may be their echoes, none may use them.
        temperature_c: what is known of the air, instead of ``atmosphere``, as the options of the command; what is not
            given comes from the array recording's ``weather.json``, else it is 15 °C and still, and less sure.
        wind_speed_mps: metres a second.
        wind_from_deg: where the wind blows from, degrees clockwise from north.
        from_even_odds: every sound is as likely gunfire as not before it is judged, whatever others were.

    Returns:
        No shot where fewer than three sensors agree. Three sensors can be wrong unseen, so their shots, and all
        others that the geometry or the arrivals do not decide, are marked ``ambiguous``.

    Raises:
        TocsinError: positions in two frames, a sensor at two places or far from all others, or an id given twice; a
            file that is not as its contract says; or an air that is given twice or none that people breathe.
    """
    known = {"temperature_c": temperature_c, "wind_speed_mps": wind_speed_mps, "wind_from_deg": wind_from_deg}
    given = {name: value for name, value in known.items() if value is not None}
    if given and atmosphere is not None:
        raise TocsinError(f"the air is given twice, as atmosphere and as {', '.join(given)}: leave one out")
    if isinstance(detections, str | os.PathLike):
        input_name = input_name or os.fspath(detections)
        detections, weather = read_input(os.fspath(detections))
        given = {**(weather.model_dump(exclude_unset=True) if weather else {}), **given}
    if isinstance(atmosphere, Air):
        air = atmosphere
    else:
        air = air_of({"temperature_c": atmosphere.temperature_c} if atmosphere else given)
    unique = with_rounding(_unique(detections))
    if len({detection.sensor_id for detection in unique}) < LEAST_SENSORS:
        return Table(columns=SHOT_COLUMNS)
    try:
        site = site_of(unique)
    except TocsinError as error:
        raise TocsinError(f"{input_name}: {error}" if input_name else str(error)) from None
    shots: list[Shot] = []
    for stretch in _stretches(unique, site, air):
        arrivals = arrivals_of(stretch, site)
        gone = [index for index, item in enumerate(arrivals.detections) if (item.sensor_id, item.detection_id) in taken]
        left = arrivals.without(np.array(gone, dtype=np.intp))
        shots += _locate_stretch(left, site, air, input_name)
    shots.sort(key=lambda shot: (shot.discharge_time_utc, shot.shot_id))
    if from_even_odds:
        return Table(assign_incidents(shots, site), SHOT_COLUMNS)
    heard = {(item.sensor_id, item.detection_id): item for item in unique}
    sounds = [
        sound_of(
            shot,
            [heard[key] for key in zip(shot.residuals_s, shot.detections, strict=True)],
            metres_of(shot.place, site.frame),
        )
        for shot in shots
    ]
    weighed = with_prior(shots, sounds)
    return Table(assign_incidents(weighed, site), SHOT_COLUMNS)


def _unique(detections: Iterable[Detection]) -> list[Detection]:
    seen: dict[tuple[str, str], Detection] = {}
    for detection in detections:
        if seen.setdefault((detection.sensor_id, detection.detection_id), detection) != detection:
            raise TocsinError(
                f"sensor {detection.sensor_id} gives detection_id {detection.detection_id!r} to two detections: "
                "give each its own, or leave the column out"
            )
    return list(seen.values())


def _across_s(site: Site, air: Air) -> float:
    """How long sound needs across the site."""
    return float(np.hypot(*np.ptp(np.array(list(site.positions_m.values())), axis=0))) / air.speed_mps


def _stretches(detections: Sequence[Detection], site: Site, air: Air) -> list[list[Detection]]:
    """Cut where there is a silence longer than sound needs across the site: no shot reaches over it."""
    across_s = _across_s(site, air)
    ordered = sorted(detections, key=lambda detection: detection.onset_time_utc)
    stretches = [[ordered[0]]]
    for earlier, later in pairwise(ordered):
        if (later.onset_time_utc - earlier.onset_time_utc).total_seconds() > across_s + REVERBERATION_S:
            stretches.append([])
        stretches[-1].append(later)
    return stretches


def _locate_stretch(arrivals: Arrivals, site: Site, air: Air, input_name: str) -> list[Shot]:
    """Work through a stretch in windows, so that the work grows with its length and not faster.

    A window answers for the discharges before its end. It sees the arrivals of every sound that shares one with those,
    and hands on what comes after its end and is not taken.
    """
    across_s = _across_s(site, air)
    shots: list[Shot] = []
    left = arrivals
    while left.time_s.size:
        end_s = float(left.time_s[0]) + WINDOW_S
        reach_s = end_s + 2.0 * across_s
        if left.time_s[-1] <= reach_s:
            found, _ = _locate_window(left, np.inf, site, air, input_name)
            return shots + found
        found, taken = _locate_window(left.without(np.flatnonzero(left.time_s > reach_s)), end_s, site, air, input_name)
        shots += found
        # Arrivals are in order of time, so a window is the beginning of what is left, and indices are the same in both.
        left = left.without(np.union1d(taken, np.flatnonzero(left.time_s < end_s)))
    return shots


def _locate_window(
    arrivals: Arrivals, end_s: float, site: Site, air: Air, input_name: str
) -> tuple[list[Shot], Indices]:
    """Shots fired before a time, and the arrivals they took.

    The best places are accepted first. Those that want an arrival of a better one move to where the arrivals that are
    left agree; when none is left that holds, the grid is searched again, until it gives no more. Shots fired later
    hold their arrivals against the others, but are left to the next window.
    """
    shots: list[Shot] = []
    held, taken, echoes = np.zeros((3, arrivals.time_s.size), dtype=bool)
    places_m: list[Array] = []
    about_m: Array | None = None
    while about_m is None or len(about_m):
        found_m: list[Array] = []
        contested: list[Start] | None = None
        while contested is None or contested:
            kept = np.flatnonzero(~held)
            left = arrivals.without(np.flatnonzero(held))
            if np.unique(left.sensor).size < LEAST_SENSORS:
                return shots, np.flatnonzero(taken)
            candidates = associate(left, air, about_m) if contested is None else climb(left, air, contested)
            candidates = [less_echoes(item, echoes[kept], places_m) for item in candidates]
            accepted, contested = accept(left, air, sorted(candidates, key=lambda item: -item.score))
            found_m += [best.solution.position_m for best, _ in accepted]
            for best, rivals in accepted:
                due = np.flatnonzero(best.solution.times_s < end_s)
                if due.size:
                    shots += _shots_of(left, site, air, best, rivals, due, input_name)
                    taken[kept[spent(left, np.concatenate([best.heard[index] for index in due]))]] = True
                held[kept[spent(left, np.concatenate(best.heard))]] = True
                echoes |= echoes_of(arrivals, air, best)
        places_m += found_m
        about_m = np.array(found_m)
    return shots, np.flatnonzero(taken)


def _shots_of(
    arrivals: Arrivals,
    site: Site,
    air: Air,
    best: Located,
    rivals: Sequence[Candidate],
    rounds: Indices,
    input_name: str,
) -> list[Shot]:
    places = [best.candidate, *rivals]
    solution = best.solution
    sensors = np.unique(arrivals.sensor[np.concatenate(solution.used)]).size
    verdict = judge(
        solution.ellipse,
        sensors,
        np.array([item.position_m for item in places]),
        np.array([item.score for item in places]),
    )
    alternatives = tuple(
        Alternative(_place(site, places[index].position_m), weight) for index, weight in verdict.alternatives
    )
    travel_s = solution.travel_s(arrivals, air)
    shots = []
    for index in rounds.tolist():
        used = solution.used[index]
        time = datetime.fromtimestamp(arrivals.reference_s + float(solution.times_s[index]), UTC)
        held = tuple(arrivals.detections[member] for member in used)
        ids = tuple(detection.detection_id for detection in held)
        residual_s = arrivals.time_s - solution.times_s[index] - travel_s[arrivals.sensor]
        one_sound = 1.0 / (1.0 + np.exp(-(best.evidence[index] - EVEN_SCORE) / SCORE_SCALE))
        shots.append(
            Shot(
                input=input_name,
                shot_id=make_ulid(time, ",".join(sorted(ids))),
                incident_id="",
                discharge_time_utc=time,
                discharge_sigma_s=float(np.sqrt(solution.covariance[2 + index, 2 + index])),
                place=_place(site, solution.position_m),
                ellipse_95=solution.ellipse,
                ambiguous=verdict.ambiguous,
                alternatives=alternatives if verdict.ambiguous else (),
                n_sensors=len(ids),
                detections=ids,
                rejected=_rejected(arrivals, best, index, residual_s),
                residuals_s={
                    detection.sensor_id: float(value)
                    for detection, value in zip(held, solution.residuals_s[index], strict=True)
                },
                probability=float(one_sound * gunfire_probability(held, solution.airborne)),
                elevation_m=solution.height_m,
                elevation_sigma_m=solution.height_sigma_m,
                airborne=solution.airborne,
                trajectory=best.shock.trajectory if best.shock else None,
            )
        )
    return shots


def _place(site: Site, position_m: Array) -> Place:
    if site.frame is None:
        return Place(x_m=float(position_m[0] + site.centre_m[0]), y_m=float(position_m[1] + site.centre_m[1]))
    latitude, longitude, _ = site.frame.to_geographic(np.append(position_m, 0.0))
    return Place(latitude=float(latitude), longitude=float(longitude))


def _rejected(arrivals: Arrivals, best: Located, shot: int, residual_s: Array) -> tuple[Rejected, ...]:
    """Arrivals near the predicted ones that no shot of this place took, and the shock waves ahead of this one."""
    taken = np.concatenate(best.heard)
    near = np.flatnonzero((residual_s > -ECHO_WINDOW_S / 2) & (residual_s < ECHO_WINDOW_S))
    outliers = set(best.solution.rejected[shot].tolist())
    shocks = set(best.shock.members[shot].tolist()) if best.shock else set()
    result = []
    for index in [*sorted(shocks), *np.setdiff1d(near, taken).tolist()]:
        detection = arrivals.detections[index]
        if index in shocks:
            reason = "shock wave"
        elif index in outliers:
            reason = "does not fit the others"
        else:
            reason = "later than direct sound" if residual_s[index] > 0 else "earlier than direct sound"
        result.append(Rejected(detection.detection_id, detection.sensor_id, float(residual_s[index]), reason))
    return tuple(result)
