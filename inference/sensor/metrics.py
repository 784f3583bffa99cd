"""Prometheus metrics of the sensors, on loopback alone: the figures of the heartbeats, read when they are asked for.

Names and units follow Prometheus' own advice (base units, ``_total`` on what only grows), so degrees, seconds and bytes
stay and parts per million become a ratio.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from wsgiref.simple_server import WSGIServer

from tocsin import TocsinError
from tocsin.inference.sensor.health import FAULTS
from tocsin.inference.sensor.heartbeat import Heartbeat

if TYPE_CHECKING:
    from prometheus_client import Metric

LOOPBACK = "127.0.0.1"

_Samples: TypeAlias = Sequence[tuple[tuple[str, ...], float]]  # values of the labels, and the number


@dataclass(frozen=True)
class _Figure:
    """A field of the heartbeat as a metric: its value times ``scale``."""

    field: str
    name: str
    kind: Literal["gauge", "counter"] = "gauge"
    scale: float = 1.0


FIGURES = (
    _Figure("uptime_s", "tocsin_uptime_seconds"),
    _Figure("level_dbfs", "tocsin_level_dbfs"),
    _Figure("noise_floor_dbfs", "tocsin_noise_floor_dbfs"),
    _Figure("clipped_share", "tocsin_clipped_ratio"),
    _Figure("dropouts", "tocsin_dropouts_total", "counter"),
    _Figure("lost_samples", "tocsin_lost_samples_total", "counter"),
    _Figure("block_age_s", "tocsin_block_age_seconds"),
    _Figure("clock_sigma_s", "tocsin_clock_sigma_seconds"),
    _Figure("sample_rate_error_ppm", "tocsin_sample_rate_error_ratio", scale=1e-6),
    _Figure("temperature_c", "tocsin_temperature_celsius"),
    _Figure("disk_free_bytes", "tocsin_disk_free_bytes"),
    _Figure("memory_used_bytes", "tocsin_memory_used_bytes"),
    _Figure("memory_available_bytes", "tocsin_memory_available_bytes"),
    _Figure("broker_connected", "tocsin_broker_connected"),
    _Figure("outbox_queued", "tocsin_outbox_queued"),
    _Figure("outbox_bytes", "tocsin_outbox_bytes"),
    _Figure("outbox_dropped", "tocsin_outbox_dropped_total", "counter"),
    _Figure("clips_kept", "tocsin_clips_kept"),
)
# Those whose labels say something too.
LABELLED = {
    "tocsin_info": "what says this, and what sets its clock; always 1",
    "tocsin_fault": "1 where this is wrong with the sound now, else 0",
    "tocsin_detections_total": Heartbeat.model_fields["detections"].description,
    "tocsin_last_detection_timestamp_seconds": Heartbeat.model_fields["last_detection_time_utc"].description,
}


class Metrics:
    """Serves ``http://127.0.0.1:PORT/metrics`` until it is closed.

    Args:
        port: TCP port; 0 takes one that is free.
        heartbeats: gives a heartbeat a sensor; called at each request, in a thread of the server.

    Attributes:
        port: where it listens.

    Raises:
        TocsinError: the port is taken or not allowed; prometheus-client is not installed.
    """

    def __init__(self, port: int, heartbeats: Callable[[], Iterable[Heartbeat]]) -> None:
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ModuleNotFoundError as error:
            raise TocsinError(f'`tocsin listen` needs {error.name}: type pip install "tocsin[sensor]"') from None
        registry = CollectorRegistry()
        registry.register(_Collector(heartbeats))
        self._server: WSGIServer
        self._thread: threading.Thread
        try:
            self._server, self._thread = start_http_server(port, addr=LOOPBACK, registry=registry)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TocsinError(
                f"cannot serve metrics on port {port} of {LOOPBACK} ({reason}): set another metrics_port in [health]"
            ) from None
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Stop serving and let go of the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Collector:
    """What the registry asks for metrics; nothing is kept between two requests."""

    def __init__(self, heartbeats: Callable[[], Iterable[Heartbeat]]) -> None:
        self._heartbeats = heartbeats

    def describe(self) -> Iterable["Metric"]:
        """Nothing yet: the registry need not ask for figures before anybody does."""
        return []

    def collect(self) -> Iterator["Metric"]:
        """A family a figure, with a sample a sensor that knows it."""
        beats = list(self._heartbeats())
        for figure in FIGURES:
            what = Heartbeat.model_fields[figure.field].description or ""
            values = [(beat.sensor_id, getattr(beat, figure.field)) for beat in beats]
            samples = [((sensor,), float(value) * figure.scale) for sensor, value in values if value is not None]
            yield _family(figure.kind, figure.name, what, ("sensor",), samples)
        yield from _labelled(beats)


def _labelled(beats: list[Heartbeat]) -> Iterator["Metric"]:
    def family(kind: str, name: str, labels: tuple[str, ...], samples: _Samples) -> "Metric":
        return _family(kind, name, LABELLED[name] or "", labels, samples)

    infos = [((beat.sensor_id, beat.software, beat.clock_source or ""), 1.0) for beat in beats]
    yield family("gauge", "tocsin_info", ("sensor", "software", "clock_source"), infos)
    faults = [((beat.sensor_id, fault), float(fault in beat.faults)) for beat in beats for fault in FAULTS]
    yield family("gauge", "tocsin_fault", ("sensor", "fault"), faults)
    counts = [((beat.sensor_id, label), float(n)) for beat in beats for label, n in beat.detections.items()]
    yield family("counter", "tocsin_detections_total", ("sensor", "label"), counts)
    latest = [(beat.sensor_id, beat.last_detection_time_utc) for beat in beats]
    times = [((sensor,), time.timestamp()) for sensor, time in latest if time is not None]
    yield family("gauge", "tocsin_last_detection_timestamp_seconds", ("sensor",), times)


def _family(kind: str, name: str, what: str, labels: tuple[str, ...], samples: _Samples) -> "Metric":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    families: dict[str, Any] = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}
    family = families[kind](name, what, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def metrics_table() -> str:
    """The metrics as a table in markdown, for the reference."""
    rows = [(figure.name, Heartbeat.model_fields[figure.field].description) for figure in FIGURES]
    lines = [f"| `{name}` | {what} |" for name, what in [*rows, *LABELLED.items()]]
    return "\n".join(["| metric | what |", "|---|---|", *lines]) + "\n"
