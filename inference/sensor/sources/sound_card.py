"""A microphone at a sound card, by PortAudio: its list, its stream, and what becomes of overruns and pulled plugs."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.inference.sensor.sources.block import Block, SourceLost, idle_block
from tocsin.inference.sensor.sources.handover import Handover
from tocsin.inference.sensor.sources.soundness import check_form, silenced
from tocsin.inference.sensor.system_offset import read_clocks

# A stream that says it lives and gives nothing for so long is taken for dead.
STALLED_S = 5.0
_POLL_S = 0.5
# A buffer older than this when the callback runs, or from the future, speaks of a driver that does not know its time.
_OLDEST_S = 1.0
# Devices of a sound server or a plug-in claim 32 channels and more, which nobody recorded.
_MOST_REAL_CHANNELS = 16


@dataclass(frozen=True)
class Device:
    """A device that can be heard: its number, its name, the channels it has at most, and its own rate in Hz."""

    index: int
    name: str
    channels: int
    sample_rate: int


def devices() -> list[Device]:
    """The inputs of the sound cards, as PortAudio names and numbers them; none where there are none.

    Raises:
        TocsinError: sounddevice or PortAudio is missing.
        SourceLost: PortAudio fails, which may pass.
    """
    sounddevice = _sounddevice()
    try:
        found = list(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        raise SourceLost(f"the sound cards cannot be listed: {_reason(error)}") from error
    return [
        Device(index, str(each["name"]), int(each["max_input_channels"]), round(each["default_samplerate"]))
        for index, each in enumerate(found)
        if each["max_input_channels"] > 0
    ]


class SoundCard:
    """A source that is an input of a sound card.

    Args:
        device: its number, or a part of its name, in any case; the system's default input when ``None``.
        sample_rate: Hz; the device's own when ``None``.
        channels: how many are heard, the first ones; when ``None`` all, or one of a device with more than 16,
            which is no card but a sound server.
    """

    ends = False
    # PortAudio makes its list once. To make it anew closes every stream, so that is done while none is open.
    _open_streams = 0

    def __init__(self, device: int | str | None = None, sample_rate: int | None = None, channels: int | None = None):
        self._device, self._sample_rate, self._channels = device, sample_rate, channels
        self._lost = False
        self.name = "the default microphone" if device is None else f'microphone "{device}"'

    def blocks(self) -> Iterator[Block]:
        """Open it and give what it hears. See :class:`~tocsin.inference.sensor.sources.block.Source`.

        ``arrived_s`` is when the last sample was taken, by what the driver says of its delay, where that can be true.

        Raises:
            SourceLost: it is not there, is taken by another program, or went away.
            TocsinError: its name fits several, or the rate or number of channels is one that it does not have.
        """
        sounddevice = _sounddevice()
        if self._lost and SoundCard._open_streams == 0:
            # What was plugged in again is only found in a new list.
            _list_anew(sounddevice)
        try:
            found = self._found(sounddevice)
            rate = self._sample_rate or found.sample_rate
            channels = self._channels or (found.channels if found.channels <= _MOST_REAL_CHANNELS else 1)
            check_form(self.name, rate, channels)
            if channels > found.channels:
                raise TocsinError(f'microphone "{found.name}" has {_counted(found.channels)}, and not {channels}')
            yield from self._heard(sounddevice, found, rate, channels)
        except SourceLost:
            self._lost = True
            raise

    def _found(self, sounddevice: ModuleType) -> Device:
        inputs = devices()
        named = ", ".join(f'{each.index} "{each.name}"' for each in inputs) or "none"
        if self._device is None:
            try:
                default = int(sounddevice.query_devices(kind="input")["index"])
            except sounddevice.PortAudioError:
                default = -1
            fitting = [each for each in inputs if each.index == default] or inputs[:1]
        elif isinstance(self._device, int):
            fitting = [each for each in inputs if each.index == self._device]
        else:
            wanted = self._device.casefold()
            # A whole name wins over the names that hold it.
            fitting = [each for each in inputs if each.name.casefold() == wanted]
            fitting = fitting or [each for each in inputs if wanted in each.name.casefold()]
        if not fitting:
            raise SourceLost(f"{self.name} is not there; the microphones are: {named}")
        if len(fitting) > 1:
            raise TocsinError(f"{self.name} may be several; say which by its number: {named}")
        return fitting[0]

    def _heard(self, sounddevice: ModuleType, found: Device, rate: int, channels: int) -> Iterator[Block]:
        handover, listening = Handover(), _Callback(rate)
        try:
            stream = sounddevice.InputStream(
                samplerate=rate,
                device=found.index,
                channels=channels,
                dtype="float32",
                callback=lambda *given: listening.take(handover, *given),
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise self._refusal(sounddevice, found, rate, channels, error) from error
        SoundCard._open_streams += 1
        try:
            stream.start()
            silent_s = 0.0
            while True:
                block = handover.take(_POLL_S)
                silent_s = silent_s + _POLL_S if block is None else 0.0
                if block is None and (not stream.active or silent_s >= STALLED_S):
                    raise SourceLost(f'microphone "{found.name}" went away: no sound comes from it any more')
                yield block or idle_block(rate, channels)
        except sounddevice.PortAudioError as error:
            raise SourceLost(f'microphone "{found.name}" went away: {_reason(error)}') from error
        finally:
            SoundCard._open_streams -= 1
            stream.close(ignore_errors=True)

    def _refusal(
        self, sounddevice: ModuleType, found: Device, rate: int, channels: int, error: Exception
    ) -> TocsinError:
        """Whether it is the form that the device does not have, or something that may pass."""
        reason = _reason(error)
        if "sample rate" in reason.lower():
            return TocsinError(f'microphone "{found.name}" has no rate of {rate} Hz: its own is {found.sample_rate} Hz')
        if "channels" in reason.lower():
            return TocsinError(f'microphone "{found.name}" cannot give {_counted(channels)}: it has {found.channels}')
        return SourceLost(f'microphone "{found.name}" cannot be opened: {reason}')


class _Callback:
    """What PortAudio's thread does with a buffer: copy it, tell its time, hand it over; it never waits."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._last_monotonic_s: float | None = None

    def take(self, handover: Handover, given: NDArray[np.float32], frames: int, about: Any, status: Any) -> None:
        now_s, now_monotonic_s = read_clocks()
        delay_s = _delay_s(about, frames, self._rate)
        arrived_monotonic_s = now_monotonic_s - delay_s
        last_s, self._last_monotonic_s = self._last_monotonic_s, arrived_monotonic_s
        lost = 0
        overrun = bool(status.input_overflow)
        if overrun and last_s is not None:
            lost = max(0, round((arrived_monotonic_s - last_s) * self._rate) - frames)
        samples, unsound = silenced(given.copy())
        handover.give(
            Block(
                samples,
                self._rate,
                now_s - delay_s,
                arrived_monotonic_s,
                begins_anew=overrun or last_s is None,
                lost_samples=lost,
                unsound_samples=unsound,
            )
        )


def _delay_s(about: Any, frames: int, sample_rate: int) -> float:
    """Seconds since the last sample of a buffer was taken; 0 where the driver's times cannot be true."""
    taken_s, now_s = float(about.inputBufferAdcTime), float(about.currentTime)
    delay_s = now_s - taken_s - frames / sample_rate
    return delay_s if taken_s > 0 and now_s > 0 and 0 <= delay_s <= _OLDEST_S else 0.0


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except ImportError as error:
        raise TocsinError('a sound card needs sounddevice: type pip install "tocsin[sensor]"') from error
    except OSError as error:
        raise TocsinError("a sound card needs PortAudio: type `sudo apt install libportaudio2`") from error
    return sounddevice


def _list_anew(sounddevice: ModuleType) -> None:
    with suppress(sounddevice.PortAudioError):  # fails where the last attempt could not begin
        sounddevice._terminate()
    try:
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise SourceLost(f"the sound cards cannot be listed: {_reason(error)}") from error


def _counted(channels: int) -> str:
    return f"{channels} channel{'' if channels == 1 else 's'}"


def _reason(error: Exception) -> str:
    # PortAudio gives a text, a number, and perhaps what the driver below says.
    return str(error.args[0]).strip().rstrip(".") if error.args else type(error).__name__
