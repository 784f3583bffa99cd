"""What a scraper reads over HTTP, by Prometheus' own parser; and where the server listens, by the kernel."""

import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tocsin import TocsinError
from tocsin.inference.sensor.heartbeat import Heartbeat
from tocsin.inference.sensor.metrics import FIGURES, LABELLED, Metrics, metrics_table

BEAT = {
    "time_utc": "2026-01-01T00:00:00Z",
    "uptime_s": 60,
    "level_dbfs": -41.5,
    "dropouts": 2,
    "sample_rate_error_ppm": -30.0,
    "clock_source": "chrony",
    "faults": ["clips"],
    "broker_connected": True,
    "detections": {"gunshot": 1, "impulse": 7},
    "last_detection_time_utc": "2026-01-01T00:00:01.5Z",
}


@pytest.fixture
def beats():
    return [
        Heartbeat(sensor_id="roof-1", **BEAT),
        Heartbeat(sensor_id='gate "2"\n', time_utc="2026-01-01T00:00:00Z", uptime_s=1),
    ]


@pytest.fixture
def metrics(beats):
    metrics = Metrics(0, lambda: beats)
    yield metrics
    metrics.close()


def scraped(metrics):
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


def test_a_scrape_gives_the_figures_of_the_heartbeats(metrics):
    found = scraped(metrics)
    roof = ("sensor", "roof-1")
    assert found["tocsin_level_dbfs", roof] == -41.5
    assert found["tocsin_dropouts_total", roof] == 2
    assert found["tocsin_sample_rate_error_ratio", roof] == pytest.approx(-30e-6)
    assert found["tocsin_broker_connected", roof] == 1
    assert found["tocsin_detections_total", ("label", "impulse"), roof] == 7
    assert found["tocsin_fault", ("fault", "clips"), roof] == 1
    assert found["tocsin_fault", ("fault", "hears_nothing"), roof] == 0
    assert found["tocsin_last_detection_timestamp_seconds", roof] == 1767225601.5
    assert found["tocsin_uptime_seconds", ("sensor", 'gate "2"\n')] == 1
    assert ("tocsin_level_dbfs", ("sensor", 'gate "2"\n')) not in found  # which it does not know


def test_figures_are_read_when_they_are_asked_for(metrics, beats):
    before = scraped(metrics)
    beats[0] = Heartbeat(sensor_id="roof-1", **{**BEAT, "dropouts": 3})
    key = ("tocsin_dropouts_total", ("sensor", "roof-1"))
    assert (before[key], scraped(metrics)[key]) == (2, 3)


def test_every_number_of_a_heartbeat_is_a_metric():
    spoken_of = {figure.field for figure in FIGURES}
    texts = {"schema_version", "sensor_id", "time_utc", "software", "clock_source", "log_head"}
    labelled = {"faults", "detections", "last_detection_time_utc"}
    assert spoken_of | texts | labelled == set(Heartbeat.model_fields)


def test_names_are_as_prometheus_advises():
    for figure in FIGURES:
        assert figure.name.endswith("_total") == (figure.kind == "counter")
    names = [*(figure.name for figure in FIGURES), *LABELLED]
    assert all(name.startswith("tocsin_") and name.islower() for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's table of sockets")
def test_it_listens_on_loopback_alone(metrics):
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == "0A" and int(address.rpartition(":")[2], 16) == metrics.port:
                listening.append(address.rpartition(":")[0])
    assert listening == [socket.inet_aton("127.0.0.1")[::-1].hex().upper()]


def test_a_port_that_is_taken_gets_one_sentence(metrics):
    with pytest.raises(TocsinError, match=r"cannot serve metrics on port \d+ of 127.0.0.1 \(Address already in use\)"):
        Metrics(metrics.port, list)


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(TocsinError, match=r'needs prometheus_client: type pip install "tocsin\[sensor\]"'):
        Metrics(0, list)


def test_closed_nothing_listens_any_more(beats):
    metrics = Metrics(0, lambda: beats)
    metrics.close()
    with pytest.raises(urllib.error.URLError):
        scraped(metrics)
    Metrics(metrics.port, lambda: beats).close()


def test_the_documentation_has_the_table_of_what_there_is():
    pages = (Path(__file__).parents[3] / "docs").rglob("*.md")
    assert any(metrics_table() in page.read_text(encoding="utf-8") for page in pages)
