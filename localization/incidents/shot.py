"""The Shot: one discharge, where and when, how sure, and what it rests on. One line of ``tocsin locate``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin.inference.field_types import format_time
from tocsin.localization.fitting.shock_wave import Trajectory
from tocsin.localization.fitting.solve import Ellipse

SCHEMA_VERSION = 1  # of shots and incidents, as of detections
SHOT_COLUMNS = (
    "input",
    "shot_id",
    "incident_id",
    "discharge_time_utc",
    "discharge_sigma_s",
    "x_m",
    "y_m",
    "latitude",
    "longitude",
    "elevation_m",
    "elevation_sigma_m",
    "airborne",
    "semi_major_m",
    "semi_minor_m",
    "azimuth_deg",
    "ambiguous",
    "n_sensors",
    "probability",
)


@dataclass(frozen=True)
class Place:
    """A position in the frame of the input: ``x_m, y_m`` (metres) or ``latitude, longitude`` (degrees)."""

    x_m: float | None = None
    y_m: float | None = None
    latitude: float | None = None
    longitude: float | None = None

    def to_dict(self) -> dict[str, float]:
        """The two coordinates that are set: to a centimetre, or to 1e-7 of a degree (a centimetre as well)."""
        if self.x_m is not None and self.y_m is not None:
            return {"x_m": round(self.x_m, 2), "y_m": round(self.y_m, 2)}
        return {"latitude": round(self.latitude or 0.0, 7), "longitude": round(self.longitude or 0.0, 7)}

    def __str__(self) -> str:
        if self.x_m is not None and self.y_m is not None:
            return f"x {self.x_m:.1f} m, y {self.y_m:.1f} m"
        return f"latitude {self.latitude:.6f}, longitude {self.longitude:.6f}"


@dataclass(frozen=True)
class Alternative:
    """Another place that explains the same arrivals, and its weight against all others (0 … 1)."""

    place: Place
    weight: float


@dataclass(frozen=True)
class Rejected:
    """An arrival near a shot that does not hold it, with its residual (observed less predicted) and the reason."""

    detection_id: str
    sensor_id: str
    residual_s: float
    reason: str


@dataclass(frozen=True)
class Shot:
    """One discharge.

    Attributes:
        input: what it was located from, as typed.
        shot_id: a ULID that the detections fix: the same input gives the same id.
        incident_id: of the incident that the shot belongs to.
        discharge_time_utc: when it was fired; ``discharge_sigma_s`` is the standard deviation.
        place: in the frame of the input.
        ellipse_95: 95 % ellipse of the place.
        ambiguous: the geometry or the arrivals leave other places open; then ``place`` is only the likeliest.
        alternatives: those other places with their weights, the likeliest first.
        detections: ids of the detections that hold the shot; ``n_sensors`` is their number, one a sensor.
        rejected: arrivals near it that do not.
        residuals_s: sensor id to observed less predicted arrival, seconds.
        probability: that this was gunfire. See ``tocsin.localization.locate``.
        elevation_m: height of the source in the datum of the sensors' heights, where these tell it; else None.
        elevation_sigma_m: its standard deviation.
        airborne: made too high for a gun. See ``tocsin.localization.fitting.elevation``.
        trajectory: of a supersonic round, where its shock wave shows it.
    """

    input: str
    shot_id: str
    incident_id: str
    discharge_time_utc: datetime
    discharge_sigma_s: float
    place: Place
    ellipse_95: Ellipse
    ambiguous: bool
    alternatives: tuple[Alternative, ...]
    n_sensors: int
    detections: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    residuals_s: dict[str, float]
    probability: float
    elevation_m: float | None = None
    elevation_sigma_m: float | None = None
    airborne: bool = False
    trajectory: Trajectory | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields of the contract, ready for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "input": self.input,
            "shot_id": self.shot_id,
            "incident_id": self.incident_id,
            "discharge_time_utc": format_time(self.discharge_time_utc),
            "discharge_sigma_s": round(self.discharge_sigma_s, 6),
            **self.place.to_dict(),
            **self._elevation(),
            "ellipse_95": {
                "semi_major_m": round(self.ellipse_95.semi_major_m, 2),
                "semi_minor_m": round(self.ellipse_95.semi_minor_m, 2),
                "azimuth_deg": round(self.ellipse_95.azimuth_deg, 1),
            },
            "ambiguous": self.ambiguous,
            "alternatives": [{**item.place.to_dict(), "weight": round(item.weight, 4)} for item in self.alternatives],
            "n_sensors": self.n_sensors,
            "detections": list(self.detections),
            "rejected": [
                {
                    "detection_id": item.detection_id,
                    "sensor_id": item.sensor_id,
                    "residual_s": round(item.residual_s, 4),
                    "reason": item.reason,
                }
                for item in self.rejected
            ],
            "residuals_s": {sensor: round(value, 4) for sensor, value in self.residuals_s.items()},
            "probability": round(self.probability, 4),
            **({"trajectory": self.trajectory.to_dict()} if self.trajectory else {}),
        }

    def to_row(self) -> dict[str, Any]:
        """The row of ``tocsin locate --format csv``, without the columns that are not set."""
        fields = self.to_dict()
        fields |= fields["ellipse_95"]
        return {name: fields[name] for name in SHOT_COLUMNS if name in fields}

    def __str__(self) -> str:
        time = format_time(self.discharge_time_utc, "milliseconds")
        notes = ", ambiguous" * self.ambiguous + ", airborne" * self.airborne
        sure = f"{self.n_sensors} sensors, probability {self.probability:.3f}{notes}"
        return f"{time} at {self.place}, {self.ellipse_95}, {sure}"

    def __repr__(self) -> str:
        return f"<Shot {self}>"

    def _elevation(self) -> dict[str, Any]:
        if self.elevation_m is None or self.elevation_sigma_m is None:
            return {}
        return {
            "elevation_m": round(self.elevation_m, 1),
            "elevation_sigma_m": round(self.elevation_sigma_m, 1),
            "airborne": self.airborne,
        }
