"""A stream of the network, RTSP, HTTP or Icecast, decoded by FFmpeg; of what it sends, only sound is opened."""

import errno
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tocsin import TocsinError
from tocsin.inference.sensor.sources.block import Block, SourceLost, idle_block
from tocsin.inference.sensor.sources.handover import Handover
from tocsin.inference.sensor.sources.soundness import check_form, silenced
from tocsin.inference.sensor.sources.stream_address import StreamAddress
from tocsin.inference.sensor.sources.stream_frames import FrameClock, frame_samples
from tocsin.inference.sensor.system_offset import read_clocks

PATIENCE_S = 10.0
_POLL_S = 0.5
# What carries sound and opens nothing else: no playlists, no lists of files, no devices.
_FORMATS = (
    "aac,ac3,aiff,asf,au,caf,eac3,flac,flv,live_flv,loas,matroska,webm,mov,mp4,m4a,mp3,mpeg,mpegts,ogg,rtp,"
    "rtsp,sdp,w64,wav"
)
# To find out what is sent takes no more than this.
_PROBE_BYTES, _PROBE_S = 1 << 20, 5
_MOST_STREAMS = 32
# Packets that cannot be decoded come after a loss; so many, one behind the other, are another stream or none.
_MOST_BROKEN = 100


class NetworkStream:
    """A source that is a stream at an address.

    Args:
        address: ``rtsp://…``, ``http://…`` or ``https://…``.
        patience_s: seconds without sound after which it is given up, at the beginning and later.

    Raises:
        TocsinError: the address is none of a stream.
    """

    ends = False

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        self._address, self._patience_s = StreamAddress(address), patience_s
        self.name = self._address.shown

    def blocks(self) -> Iterator[Block]:
        """Open it and give what it sends. See :class:`~tocsin.inference.sensor.sources.block.Source`.

        Raises:
            SourceLost: it cannot be reached, sends no sound, stalls, or ends.
            TocsinError: PyAV is missing.
        """
        try:
            import av
        except ImportError as error:
            raise TocsinError('a stream needs PyAV: type pip install "tocsin[sensor]"') from error
        # A thread of its own, for FFmpeg waits as long as it likes: for a name server, for instance.
        reader = _Reader(av, self._address, self._patience_s)
        thread = threading.Thread(target=reader.run, name=f"tocsin {self.name}", daemon=True)
        thread.start()
        try:
            heard_s, rate, channels = time.monotonic(), 0, 1
            while True:
                block = reader.handover.take(_POLL_S)
                if block is None and time.monotonic() - heard_s > 2 * self._patience_s:
                    raise SourceLost(f"{self.name} sends nothing: no sound for {2 * self._patience_s:g} s")
                if block is None:
                    yield idle_block(rate, channels)
                else:
                    heard_s, rate, channels = time.monotonic(), block.sample_rate, block.samples.shape[1]
                    yield block
        finally:
            reader.stop.set()
            thread.join(_POLL_S)


class _Reader:
    """What the thread does: open, decode, hand over, until it is stopped or something is wrong."""

    def __init__(self, av: ModuleType, address: StreamAddress, patience_s: float) -> None:
        self._av, self._address, self._patience_s = av, address, patience_s
        self.handover, self.stop = Handover(), threading.Event()
        self._heard = False

    def run(self) -> None:
        shown = self._address.shown
        try:
            self._read()
            self.handover.fail(self._ended())
        except TocsinError as error:
            self.handover.fail(error)
        except self._av.error.ExitError:
            self.handover.fail(SourceLost(f"{shown} sends nothing: no answer within {self._patience_s:g} s"))
        except self._av.error.InvalidDataError:
            self.handover.fail(SourceLost(f"{shown} sends what is no sound: expected a stream such as Ogg, MP3 or AAC"))
        except Exception as error:  # noqa: BLE001 - whatever a library says of a stranger's bytes, it is the stream that is lost
            if getattr(error, "errno", None) == errno.EIO:  # the end of a stream without a length reads so
                self.handover.fail(self._ended())
                return
            # Not all of what it says: there the address stands, and its password.
            reason = getattr(error, "strerror", None) or type(error).__name__
            self.handover.fail(SourceLost(f"{shown} cannot be heard: {reason}"))

    def _ended(self) -> SourceLost:
        if self._heard:
            return SourceLost(f"{self._address.shown} has ended")
        return SourceLost(f"{self._address.shown} ended before any sound came: expected a stream such as Ogg or MP3")

    def _read(self) -> None:
        with self._open() as container:
            sound = next((stream for stream in container.streams if stream.type == "audio"), None)
            if sound is None:
                raise SourceLost(f"{self._address.shown} has no sound in it")
            for stream in container.streams:
                if stream is not sound:
                    stream.discard = "all"
            self._decode(container, sound)

    def _open(self) -> Any:
        # No "nobuffer" among these: what was read to find out the coding would be lost, the first second or more.
        options = {
            "protocol_whitelist": self._address.protocols,
            "format_whitelist": _FORMATS,
            "probesize": str(_PROBE_BYTES),
            "analyzeduration": str(_PROBE_S * 1_000_000),
            "max_streams": str(_MOST_STREAMS),
        }
        if self._address.is_rtsp:
            options |= {"rtsp_transport": "tcp", "allowed_media_types": "audio"}
        return self._av.open(self._address.url, timeout=(self._patience_s, self._patience_s), container_options=options)

    def _decode(self, container: Any, sound: Any) -> None:
        clock, broken = FrameClock(), 0
        for packet in container.demux(sound):
            if self.stop.is_set():
                return
            try:
                frames = packet.decode()
                broken = 0
            except self._av.error.InvalidDataError:
                broken += 1
                if broken >= _MOST_BROKEN:
                    raise
                continue
            for frame in frames:
                self._hand_over(clock, frame)

    def _hand_over(self, clock: FrameClock, frame: Any) -> None:
        rate, channels = int(frame.sample_rate), int(frame.layout.nb_channels)
        try:
            check_form(self._address.shown, rate, channels)
        except TocsinError as error:  # what it sends may be something else later
            raise SourceLost(str(error)) from error
        samples, unsound = silenced(frame_samples(frame))
        self._heard = True
        begins_anew, lost = clock.next(rate, channels, len(samples), frame.time)
        self.handover.give(
            Block(
                samples,
                rate,
                *read_clocks(),
                begins_anew=begins_anew,
                lost_samples=lost,
                unsound_samples=unsound,
            )
        )
