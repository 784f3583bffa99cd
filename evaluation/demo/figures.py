"""The figures of the demo's page, as SVG: map, close-ups, what every sensor heard, spectrograms."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from tocsin.acoustics.scene import AREA_M, Event, arrival_s
from tocsin.evaluation.demo.png import data_uri, spectrogram_png
from tocsin.evaluation.demo.trial import Located, Trial

COLOURS = {"gunshot": "#c8281e", "fireworks": "#8e44ad", "backfire": "#b9770e", "impulse": "#7a8288"}
INCIDENT = "#1f5fa8"
MAP_SIZE, CLOSE_UP_SIZE, CLOSE_UP_M = 640.0, 190.0, 60.0
TIMELINE_WIDTH, ROW_HEIGHT = 980.0, 22.0
SPECTROGRAM_WIDTH, SPECTROGRAM_HEIGHT = 460.0, 150.0
SPECTROGRAM_BEFORE_S, SPECTROGRAM_AFTER_S = 0.4, 2.6
HIGHEST_HZ = 6000.0


class Plane:
    """A square of the scene on a square of the page: metres east and north to SVG units right and down."""

    def __init__(self, west_m: float, south_m: float, side_m: float, size: float, margin: float) -> None:
        self.west_m, self.south_m, self.side_m = west_m, south_m, side_m
        self.size, self.margin = size, margin
        self.scale = size / side_m

    def at(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Where a place is drawn."""
        right = self.margin + (x_m - self.west_m) * self.scale
        return right, self.margin + self.size - (y_m - self.south_m) * self.scale

    def frame(self) -> str:
        """The border of the drawing."""
        place = f'x="{self.margin:g}" y="{self.margin:g}" width="{self.size:g}" height="{self.size:g}"'
        return f'<rect {place} class="frame"/>'

    def ellipse(self, item: Located) -> str:
        """The 95 % ellipse of an incident."""
        right, down = self.at(item.x_m, item.y_m)
        shape = item.incident.ellipse_95
        # The azimuth turns clockwise from north; an SVG ellipse starts along the east and turns clockwise too.
        turned = f"rotate({shape.azimuth_deg - 90:.1f} {right:.1f} {down:.1f})"
        radii = f'rx="{shape.semi_major_m * self.scale:.2f}" ry="{shape.semi_minor_m * self.scale:.2f}"'
        return f'<ellipse cx="{right:.1f}" cy="{down:.1f}" {radii} transform="{turned}" class="ellipse"/>'

    def incident(self, item: Located) -> str:
        """The point of an incident."""
        right, down = self.at(item.x_m, item.y_m)
        return f'<circle cx="{right:.1f}" cy="{down:.1f}" r="3.2" fill="{INCIDENT}"/>'

    def truth(self, event: Event, arm: float = 7.0) -> str:
        """A cross, of the colour of the class."""
        right, down = self.at(event.x_m, event.y_m)
        strokes = f"M{right - arm:.1f} {down - arm:.1f}l{2 * arm:g} {2 * arm:g}m0 {-2 * arm:g}l{-2 * arm:g} {2 * arm:g}"
        return f'<path d="{strokes}" stroke="{COLOURS[event.label]}" class="cross"/>'


def neighbourhood_map(trial: Trial) -> str:
    """Sensors, truth, and every incident with its ellipse, on a map whose edges are metres."""
    places = [(item.x_m, item.y_m) for item in (*trial.incidents, *trial.others)]
    edges = np.array([(0.0, 0.0), (AREA_M, AREA_M), *places])
    low = np.floor(edges.min(axis=0) / 250) * 250
    side_m = float(np.ceil((edges.max(axis=0) - low).max() / 250) * 250)
    plane = Plane(float(low[0]), float(low[1]), side_m, MAP_SIZE, 56.0)
    parts: list[str] = []
    for step in range(int(side_m // 250) + 1):
        parts += _grid_line(plane, plane.west_m + 250 * step, vertical=True)
        parts += _grid_line(plane, plane.south_m + 250 * step, vertical=False)
    parts.append(plane.frame())
    for sensor in trial.scene.sensors:
        right, down = plane.at(sensor.x_m, sensor.y_m)
        parts.append(f'<path d="M{right:.1f} {down - 6:.1f}l5.5 9.5h-11z" class="sensor"/>')
        parts.append(f'<text x="{right:.1f}" y="{down + 16:.1f}" class="small" text-anchor="middle">{sensor.sensor_id}')
        parts.append("</text>")
    for item in trial.others:
        right, down = plane.at(item.x_m, item.y_m)
        parts.append(f'<circle cx="{right:.1f}" cy="{down:.1f}" r="4.5" class="other"/>')
    parts += [plane.ellipse(item) for item in trial.incidents]
    for event in trial.scene.events:
        right, down = plane.at(event.x_m, event.y_m)
        parts.append(plane.truth(event))
        words = f"{event.label} {event.discharge_s:.1f} s"
        # Beside its cross, inside the map, and not over a sensor.
        crowded = any(
            0 < sensor.x_m - event.x_m < 180 and abs(sensor.y_m - event.y_m) < 40 for sensor in trial.scene.sensors
        )
        beside = (-11, "end") if (crowded and event.x_m > 200) or event.x_m > 0.8 * AREA_M else (11, "start")
        place = f'x="{right + beside[0]:.1f}" y="{down + 4:.1f}" text-anchor="{beside[1]}"'
        parts.append(f'<text {place} fill="{COLOURS[event.label]}">{words}</text>')
    parts += [plane.incident(item) for item in trial.incidents]
    middle, bottom = plane.margin + plane.size / 2, plane.margin + plane.size + 44
    parts.append(f'<text x="{middle:g}" y="{bottom:g}" class="axis">east, m</text>')
    parts.append(f'<text transform="translate(14 {middle:g}) rotate(-90)" class="axis">north, m</text>')
    edge = plane.size + 2 * plane.margin
    return _svg(edge - 34, edge, "Map of the neighbourhood", parts, top=plane.margin - 12)


def close_up(trial: Trial, event: Event, item: Located | None, caption: str) -> str:
    """Sixty metres round a true gunfire: its cross, the incident that reports it, the ellipse, the error."""
    plane = Plane(event.x_m - CLOSE_UP_M / 2, event.y_m - CLOSE_UP_M / 2, CLOSE_UP_M, CLOSE_UP_SIZE, 6.0)
    left, top = plane.margin, plane.margin
    clip = f"clip-{event.discharge_s:.3f}".replace(".", "-")
    parts = [
        f'<clipPath id="{clip}"><rect x="{left}" y="{top}" width="{plane.size}" height="{plane.size}"/></clipPath>'
    ]
    parts += [plane.frame(), f'<g clip-path="url(#{clip})">']
    if item is not None:
        (right, down), (from_right, from_down) = plane.at(item.x_m, item.y_m), plane.at(event.x_m, event.y_m)
        parts.append(plane.ellipse(item))
        parts.append(f'<path d="M{from_right:.1f} {from_down:.1f}L{right:.1f} {down:.1f}" class="error"/>')
    parts.append(plane.truth(event, arm=5.0))
    if item is not None:
        parts.append(plane.incident(item))
    parts.append("</g>")
    bottom = top + plane.size - 9
    parts.append(f'<path d="M{left + 9} {bottom - 4}v4h{10 * plane.scale:.1f}v-4" class="scale"/>')
    parts.append(f'<text x="{left + 9 + 5 * plane.scale:.1f}" y="{bottom - 8}" class="small" text-anchor="middle">')
    parts.append("10 m</text>")
    return _svg(plane.size + 12, plane.size + 12, caption, parts)


def timeline(trial: Trial) -> str:
    """Every detection of every sensor against time, coloured by what it was taken for, with the true discharges."""
    left, top = 44.0, 34.0
    width, height = TIMELINE_WIDTH - left - 14, ROW_HEIGHT * len(trial.scene.sensors)

    def across(time_s: float) -> float:
        return left + width * time_s / trial.scene.duration_s

    parts = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" class="frame"/>']
    for tick in range(0, int(trial.scene.duration_s) + 1, 5):
        parts.append(f'<path d="M{across(tick):.1f} {top + height}v5" class="tick"/>')
        parts.append(f'<text x="{across(tick):.1f}" y="{top + height + 18}" class="small" text-anchor="middle">{tick}')
        parts.append("</text>")
    for event in trial.scene.events:
        colour, right = COLOURS[event.label], across(event.discharge_s)
        parts.append(f'<path d="M{right:.1f} {top - 6}v{height + 6}" stroke="{colour}" class="discharge"/>')
        parts.append(f'<text x="{right:.1f}" y="{top - 11}" fill="{colour}" text-anchor="middle">{event.label}</text>')
    for row, (sensor, sounds) in enumerate(zip(trial.scene.sensors, trial.heard, strict=True)):
        middle = top + ROW_HEIGHT * (row + 0.5)
        parts.append(f'<text x="{left - 6}" y="{middle + 4}" class="small" text-anchor="end">{sensor.sensor_id}</text>')
        for sound in sounds:
            colour = COLOURS.get(sound.label, "#c9ced2")
            says = escape(f"{sensor.sensor_id}, {sound.onset_s:.3f} s: {sound.label} {sound.confidence:.2f}")
            place = f'cx="{across(sound.onset_s):.1f}" cy="{middle}" r="3.4" fill="{colour}"'
            parts.append(f'<circle {place} class="heard"><title>{says}</title></circle>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 36}" class="axis">time, s</text>')
    return _svg(TIMELINE_WIDTH, top + height + 44, "What every sensor heard", parts)


def spectrogram(trial: Trial, index: int, sensor: int) -> str:
    """Three seconds round the arrival of an event at a sensor, with the onsets picked and what each was called."""
    rate = trial.scene.sample_rate
    begin_s = max(arrival_s(trial.scene, index, sensor) - SPECTROGRAM_BEFORE_S, 0.0)
    length_s = SPECTROGRAM_BEFORE_S + SPECTROGRAM_AFTER_S
    samples = trial.traces[sensor][round(begin_s * rate) : round((begin_s + length_s) * rate)]
    length_s = len(samples) / rate
    left, top, width, height = 34.0, 12.0, SPECTROGRAM_WIDTH - 44, SPECTROGRAM_HEIGHT - 46
    image = data_uri(spectrogram_png(samples, rate, HIGHEST_HZ))
    place = f'x="{left}" y="{top}" width="{width}" height="{height}"'
    parts = [f'<image {place} preserveAspectRatio="none" href="{image}"/>', f'<rect {place} class="frame"/>']
    for khz in range(0, int(HIGHEST_HZ / 1000) + 1, 2):
        down = top + height * (1 - khz * 1000 / HIGHEST_HZ)
        parts.append(f'<text x="{left - 6}" y="{down + 4:.1f}" class="small" text-anchor="end">{khz}</text>')
    for tick in np.arange(np.ceil(2 * begin_s) / 2, begin_s + length_s, 0.5):
        right = left + width * (tick - begin_s) / length_s
        parts.append(f'<path d="M{right:.1f} {top + height}v4" class="tick"/>')
        parts.append(
            f'<text x="{right:.1f}" y="{top + height + 16}" class="small" text-anchor="middle">{tick:.1f}</text>'
        )
    for sound in trial.heard[sensor]:
        if begin_s <= sound.onset_s < begin_s + length_s:
            right = left + width * (sound.onset_s - begin_s) / length_s
            colour = COLOURS.get(sound.label, "#c9ced2")
            says = escape(f"{sound.onset_s:.3f} s: {sound.label} {sound.confidence:.2f}, {sound.snr_db:.0f} dB")
            parts.append(f'<path d="M{right:.1f} {top}l-4 -8h8z" fill="{colour}"><title>{says}</title></path>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 31}" class="axis">time, s</text>')
    parts.append(f'<text transform="translate(11 {top + height / 2}) rotate(-90)" class="axis">frequency, kHz</text>')
    return _svg(SPECTROGRAM_WIDTH, SPECTROGRAM_HEIGHT, "Spectrogram", parts)


def _grid_line(plane: Plane, value_m: float, vertical: bool) -> Sequence[str]:
    """A line of the map's grid with its number."""
    ends_m = (plane.south_m, plane.south_m + plane.side_m) if vertical else (plane.west_m, plane.west_m + plane.side_m)
    ends = [plane.at(value_m, end) if vertical else plane.at(end, value_m) for end in ends_m]
    lines = [f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" class="grid"/>' for a, b in pairwise(ends)]
    right, down = ends[0]
    place = f'x="{right:.1f}" y="{down + 16:.1f}" text-anchor="middle"'
    if not vertical:
        place = f'x="{right - 6:.1f}" y="{down + 4:.1f}" text-anchor="end"'
    return [*lines, f'<text {place} class="small">{value_m:.0f}</text>']


def _svg(width: float, height: float, title: str, parts: Sequence[str], top: float = 0.0) -> str:
    box = f'viewBox="0 {top:g} {width:g} {height - top:g}" width="{width:g}" height="{height - top:g}"'
    return f'<svg {box} role="img" aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
