"""The demo's page: one HTML file that holds all it shows, and asks no network for anything."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from tocsin import __version__
from tocsin.acoustics.scene import CLOCK_SIGMA_S, POSITION_SIGMA_M
from tocsin.evaluation.demo.figures import COLOURS, INCIDENT, close_up, neighbourhood_map, spectrogram, timeline
from tocsin.evaluation.demo.scoring import WITHIN_M, WITHIN_S
from tocsin.evaluation.demo.trial import EVEN, Trial

_LABELS = ("gunshot", "fireworks", "backfire")

STYLE = """
:root{color-scheme:light}
body{margin:0;background:#f4f6f7;color:#20262b;font:16px/1.5 system-ui,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:1060px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px} h2{font-size:20px;margin:40px 0 6px}
p{margin:6px 0 12px;max-width:76ch} .note{color:#56616a;font-size:14.5px}
.figures{display:flex;gap:14px;flex-wrap:wrap;margin:22px 0 8px}
.figure{background:#fff;border:1px solid #dde2e6;border-radius:8px;padding:12px 18px;min-width:128px}
.figure b{display:block;font-size:27px;line-height:1.25;font-weight:650} .figure span{color:#56616a;font-size:14px}
.card{background:#fff;border:1px solid #dde2e6;border-radius:8px;padding:14px;overflow-x:auto}
.row{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start} .row>figure{margin:0}
figcaption{font-size:14px;color:#39424a;max-width:450px;margin:4px 2px 0}
svg{display:block;max-width:100%;height:auto;font:12.5px system-ui,"Segoe UI",Roboto,Arial,sans-serif}
svg text:not([fill]){fill:#39424a} svg .small{font-size:11px} svg .axis{font-size:12.5px;text-anchor:middle}
.frame{fill:none;stroke:#9aa4ac} .grid{stroke:#e6eaed;fill:none} .tick{stroke:#9aa4ac;fill:none}
.sensor{fill:#4a545c} .cross{stroke-width:2.4;fill:none;stroke-linecap:round} .heard{fill-opacity:.75}
.ellipse{fill:#1f5fa8;fill-opacity:.13;stroke:#1f5fa8;stroke-width:1.2} .error{stroke:#20262b;fill:none}
.other{fill:none;stroke:#7a8288;stroke-width:1.4;stroke-dasharray:3 2} .scale{stroke:#39424a;stroke-width:1.4;fill:none}
.discharge{stroke-width:1.3;stroke-dasharray:4 3;fill:none}
.map{display:flex;flex-wrap:wrap;align-items:flex-end} .map .legend{flex-direction:column;margin:0 0 56px 4px}
svg text{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:14px;margin:8px 2px 0;padding:0;list-style:none}
.legend svg{display:inline-block;vertical-align:-3px;margin-right:6px}
table{border-collapse:collapse;width:100%;font-size:14.5px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid #e6eaed;white-space:nowrap}
th{color:#56616a;font-weight:600} .good{color:#1d7a46;font-weight:600} .bad{color:#c8281e;font-weight:600}
"""


def page_of(trial: Trial, report: dict[str, Any]) -> str:
    """The page, as HTML.

    Args:
        trial: what was heard and located.
        report: what ``tocsin demo --format json`` prints of it.
    """
    body = [
        "<h1>A simulated neighbourhood, heard and located</h1>",
        f"<p>{_setting(trial)}</p>",
        _headline(report),
        f'<p class="note">{_rule()}</p>',
        "<h2>Where</h2>",
        f'<div class="card map">{neighbourhood_map(trial)}{_map_legend()}</div>',
        "<h2>Every gunfire, close up</h2>",
        '<p class="note">Sixty metres across, north up; the cross is the truth.</p>',
        f'<div class="card row">{_close_ups(trial)}</div>',
        "<h2>Reported as gunfire</h2>",
        f'<div class="card">{_incident_table(report["incidents"])}</div>',
        "<h2>What happened</h2>",
        f'<div class="card">{_truth_table(report["truth"])}</div>',
        "<h2>What every sensor heard</h2>",
        '<p class="note">A row a sensor, a point a bang that it picked, coloured by what it took it for (pale: '
        "background). Dashed lines are the true discharges: the sound comes later, the farther the sensor.</p>",
        f'<div class="card">{timeline(trial)}{_class_legend()}</div>',
        "<h2>Spectrograms</h2>",
        '<p class="note">Each event as its nearest sensor recorded it; ink is what stands out of the background by '
        "up to 55 dB. Wedges above mark the onsets picked, coloured by class.</p>",
        f'<div class="card row">{_spectrograms(trial)}</div>',
        f'<p class="note">{_caveat(trial)}</p>',
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Tocsin demo, seed {trial.scene.seed}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(body)}\n</main>\n</body>\n</html>\n"
    )


def _setting(trial: Trial) -> str:
    scene = trial.scene
    air = scene.atmosphere
    return (
        f"{len(scene.sensors)} sensors over a square kilometre listened for {scene.duration_s:.0f} seconds "
        f"({air.temperature_c:.0f} °C, {air.relative_humidity_percent:.0f} % humidity). Guns, fireworks and backfiring "
        f"vehicles went off at {len(scene.events)} places. The weights {escape(trial.model_id)} heard each sensor "
        "alone; from what they said, the gunfire was located."
    )


def _headline(report: dict[str, Any]) -> str:
    median = report["median_error_m"]
    figures = (
        ("–" if median is None else f"{median:.1f} m", "median error"),
        (f"{report['matched']} of {report['gunfire']}", "gunfire found"),
        (str(report["missed"]), "missed"),
        (str(report["false"]), "false"),
    )
    cells = "".join(f'<div class="figure"><b>{value}</b><span>{name}</span></div>' for value, name in figures)
    return f'<div class="figures">{cells}</div>'


def _rule() -> str:
    return (
        f"An incident is reported as gunfire from a probability of {100 * EVEN:.0f} % on. It is right "
        f"where it lies within {WITHIN_M:.0f}\u00a0m and {WITHIN_S:.0f}\u00a0s of true gunfire, one to one; anything "
        "else reported is false, a firework or a backfire taken for gunfire too."
    )


def _map_legend() -> str:
    truth = [_key(f'<path d="M3 3l8 8m0-8l-8 8" stroke="{COLOURS[n]}" class="cross"/>', f"true {n}") for n in _LABELS]
    return _legend(
        _key('<path d="M7 2l5.5 9.5h-11z" class="sensor"/>', "sensor"),
        *truth,
        _key(f'<circle cx="7" cy="7" r="3.2" fill="{INCIDENT}"/>', "reported as gunfire"),
        _key('<ellipse cx="7" cy="7" rx="6.4" ry="4.5" class="ellipse"/>', "its 95 % ellipse"),
        _key('<circle cx="7" cy="7" r="4.5" class="other"/>', "located, not reported as gunfire"),
    )


def _class_legend() -> str:
    names = {**COLOURS, "background": "#c9ced2"}
    return _legend(*(_key(f'<circle cx="7" cy="7" r="4" fill="{names[name]}"/>', name) for name in names))


def _key(drawing: str, words: str) -> str:
    return f'<li><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">{drawing}</svg>{words}</li>'


def _legend(*keys: str) -> str:
    return f'<ul class="legend">{"".join(keys)}</ul>'


def _close_ups(trial: Trial) -> str:
    matched = {match.truth: match for match in trial.score.matches}
    figures = []
    for place, index in enumerate(trial.gunfire):
        event, match = trial.scene.events[index], matched.get(place)
        item = trial.incidents[match.incident] if match else None
        rounds = f"{event.rounds} round{'s' * (event.rounds != 1)}"
        words = f"{event.discharge_s:.1f} s, {rounds}: " + (f"{match.error_m:.1f} m off" if match else "missed")
        figures.append(f"<figure>{close_up(trial, event, item, words)}<figcaption>{words}</figcaption></figure>")
    return "".join(figures)


def _incident_table(incidents: Sequence[dict[str, Any]]) -> str:
    rows = [
        (
            f"{item['first_s']:.2f}",
            f"{item['x_m']:.0f}, {item['y_m']:.0f}",
            f"{item['latitude']:.5f}, {item['longitude']:.5f}",
            str(item["rounds"]),
            f"{item['probability']:.2f}",
            f"{item['ellipse_95']['semi_major_m']:.1f} × {item['ellipse_95']['semi_minor_m']:.1f}",
            str(item["n_sensors"]),
            _verdict(item),
        )
        for item in incidents
    ]
    heads = ("time, s", "east, north, m", "latitude, longitude", "rounds", "probability", "ellipse, m", "sensors", "")
    return _table(heads, rows) if rows else "<p>Nothing was reported.</p>"


def _verdict(item: dict[str, Any]) -> str:
    unsure = ", ambiguous" if item["ambiguous"] else ""
    if item["error_m"] is None:
        return f'<span class="bad">false{unsure}</span>'
    return f'<span class="good">right, {item["error_m"]:.1f} m off{unsure}</span>'


def _truth_table(truth: Sequence[dict[str, Any]]) -> str:
    good, bad = '<span class="good">{}</span>', '<span class="bad">{}</span>'
    words = {"found": good.format("found"), "missed": bad.format("missed"), "reported": bad.format("called gunfire")}
    rows = [
        (
            f"{item['discharge_s']:.2f}",
            f'<span style="color:{COLOURS[item["label"]]}">{item["label"]}</span>',
            str(item["rounds"]) if item["rounds"] else "",
            f"{item['x_m']:.0f}, {item['y_m']:.0f}",
            words.get(item["outcome"], "not called gunfire"),
        )
        for item in truth
    ]
    return _table(("time, s", "what", "rounds", "east, north, m", "outcome"), rows)


def _spectrograms(trial: Trial) -> str:
    figures = []
    for index, event in enumerate(trial.scene.events):
        away_m = [np.hypot(event.x_m - sensor.x_m, event.y_m - sensor.y_m) for sensor in trial.scene.sensors]
        nearest = int(np.argmin(away_m))
        colour, sensor_id = COLOURS[event.label], trial.scene.sensors[nearest].sensor_id
        words = f'<b style="color:{colour}">{event.label}</b>, heard by {sensor_id} at {away_m[nearest]:.0f} m'
        figures.append(f"<figure>{spectrogram(trial, index, nearest)}<figcaption>{words}</figcaption></figure>")
    return "".join(figures)


def _caveat(trial: Trial) -> str:
    return (
        "A simulation is kinder than a town: sounds, echoes and noise are made by formulas, some of them the same "
        "that the weights were trained with. It shows that every part works and fits the next; how well the whole does "
        f"in the field is measured on recordings. Clocks are {1000 * CLOCK_SIGMA_S:g} ms off (standard deviation), "
        f"sensors {POSITION_SIGMA_M:g} m. The place is made up, in the middle of the North Atlantic. Tocsin "
        f"{__version__}, seed {trial.scene.seed}."
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
