"""What the commands of location share: the weather as typed."""

import math

import typer


def weather_given(**typed: float | None) -> dict[str, float]:
    """Those of the options that were typed, by their names in :class:`tocsin.localization.observation.travel.Air`.

    Raises:
        typer.BadParameter: one is not a finite number.
    """
    given = {name: value for name, value in typed.items() if value is not None}
    for name, value in given.items():
        if not math.isfinite(value):
            raise typer.BadParameter(f"--{name.replace('_', '-')} must be a finite number")
    return given
