"""``tocsin listen``: the sensor agent, as its settings file says."""

import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from tocsin import TocsinError
from tocsin.inference.sensor.assembly import assembled
from tocsin.inference.sensor.check import check as findings_of
from tocsin.inference.sensor.log_lines import log_to
from tocsin.inference.sensor.privacy.freed_memory import overwrite_freed_memory
from tocsin.inference.sensor.settings_file import PREFIX, init_text, read_settings
from tocsin.inference.sensor.sources.sound_card import devices
from tocsin.inference.stop_signals import StopSignals, outlive_broken_connections


def listen(
    settings: Annotated[
        Path | None, typer.Argument(metavar="[SETTINGS]", help="a .toml of --init; none: the environment says all")
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="print a settings file with comments, and end")] = False,
    check: Annotated[bool, typer.Option("--check", help="try microphone, clock, model, broker …, and end")] = False,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="print the sound cards, and end")] = False,
) -> None:
    """Listen day and night, and send what bangs to the broker of the settings; without one, to stdout.

    A signal to end (Ctrl-C, SIGTERM, SIGHUP) ends it when what is open is said. Nothing is recorded.
    """
    if init:
        print(init_text(), end="")
        return
    if list_devices:
        _print_devices()
        return
    if settings is None and not any(name.startswith(f"{PREFIX}SENSOR") for name in os.environ):
        raise TocsinError("no settings file is named: `tocsin listen --init > sensor.toml` writes one with comments")
    chosen = read_settings(settings)
    if check:
        good = True
        for finding in findings_of(chosen):
            good &= finding.good
            print(f"{'ok  ' if finding.good else 'FAIL'}  {finding.part}: {finding.said}", flush=True)
        raise typer.Exit(0 if good else 1)
    outlive_broken_connections()
    overwrite_freed_memory()
    log = log_to(chosen.log.format)
    stop = threading.Event()
    with StopSignals(stop.set) as signals, assembled(chosen, log.info, log.warning, stop) as agent:
        names = ", ".join(sensor.id for sensor in chosen.heard_by)
        log.info(f"listening as {names} to {agent.source_name}")
        agent.run(lambda: signals.came)
    log.info("ended")


def _print_devices() -> None:
    found = devices()
    if not found:
        raise TocsinError("no sound card with an input is found: plug one in, or see `arecord -l`")
    for device in found:
        print(f"device:{device.index}  {device.name}, {device.channels} channels, {device.sample_rate:g} Hz")
    sys.stdout.flush()
