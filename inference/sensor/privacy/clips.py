"""Clips: the few seconds round a confident gunshot that may be kept, sealed before they touch the disk, for some hours.

Nothing here decides what is a gunshot, and nothing here can keep more than the limits below, whatever it is asked.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.clip_names import clip_name, is_clip, is_ulid, stated_s
from tocsin.inference.sensor.privacy.retention import Clocks, Retention
from tocsin.inference.sensor.privacy.sealed import seal
from tocsin.inference.sensor.privacy.whole_files import TEMPORARY, put_in_place, sync_folder, write_temporary

MAX_CLIP_S = 4.0
MAX_KEEP_HOURS = 24.0 * 31
MIN_PROBABILITY = 0.5  # whatever threshold is asked for: what is likelier no gunshot is never kept
BEFORE_ONSET = 0.25  # the share of a clip that lies before the onset
STATE = "kept.json"


class ClipStore:
    """A folder of clips, ``DETECTION_ID.flac.age`` or, without a key, ``DETECTION_ID.flac``, for the owner alone.

    Call :meth:`check` every minute or so: it deletes what is due. Every clip that is written, refused, sent, deleted or
    found gone is a line of the log; a clip whose line cannot be written is not kept.

    Args:
        folder: where clips are; nothing else in it is ever touched.
        log: where it is said.
        seconds: length of a clip, 0 (none is ever written) to ``MAX_CLIP_S``.
        keep_hours: after which a clip is deleted, above 0 to ``MAX_KEEP_HOURS``; ``retention.py`` says how they count.
        limit_count: how many clips there may be; the oldest go first.
        limit_bytes: how large all of them together may be; the oldest go first.
        recipients: public keys ``age1…``; any one of their secret keys opens a clip. Without one it is not sealed.
        complain: called with a sentence where the disk is full or gone; the sensor goes on.
        clocks: of the machine.

    Raises:
        TocsinError: a value out of its range; a text that is no public key; ``cryptography`` is missing for sealing.
    """

    def __init__(
        self,
        folder: str | Path,
        log: ChainedLog,
        *,
        seconds: float = 0.0,
        keep_hours: float = 24.0,
        limit_count: int = 100,
        limit_bytes: int = 50_000_000,
        recipients: Sequence[str] = (),
        complain: Callable[[str], None] | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        if not 0 <= seconds <= MAX_CLIP_S:
            raise TocsinError(f"a clip of {seconds:g} s is not kept: 0 (none) to {MAX_CLIP_S:g} s, by construction")
        if not 0 < keep_hours <= MAX_KEEP_HOURS:
            raise TocsinError(f"a clip is not kept for {keep_hours:g} h: above 0 and at most {MAX_KEEP_HOURS:g} h")
        if limit_count < 1 or limit_bytes < 1:
            raise TocsinError("clips need room for at least one of them; for none at all give clips of 0 s")
        if recipients:
            seal(b"", recipients)  # what is wrong with a key is said now, and not when there is something to seal
        self.folder, self.seconds = Path(folder), seconds
        self._log, self._keep_hours, self._recipients = log, keep_hours, tuple(recipients)
        self._limit_count, self._limit_bytes = limit_count, limit_bytes
        self._complain = complain or (lambda sentence: None)
        self._unsaid: list[tuple[str, dict[str, str]]] = []  # lines of the log that the disk has not taken yet
        self._retention = Retention(self.folder / STATE, keep_hours * 3600, clocks or Clocks())
        if self.folder.is_dir():
            self._remove_leftovers()
            self.check(clock_is_set=False)  # as nothing says yet that it is

    def span(self, onset_sample: int, sample_rate: int) -> tuple[int, int]:
        """The samples of a clip, from the first up to the last: wait until the memory has the last, then cut there."""
        n = int(self.seconds * sample_rate)
        start = max(onset_sample - int(n * BEFORE_ONSET), 0)
        return start, start + n

    def write(
        self,
        detection_id: str,
        samples: NDArray[np.floating],
        sample_rate: int,
        *,
        probability: float,
        threshold: float,
    ) -> Path | None:
        """Keep the clip of a confident gunshot.

        Args:
            detection_id: a ULID, which names the file.
            samples: ``(n, channels)``, full scale ±1, no longer than ``seconds``.
            sample_rate: Hz.
            probability: of a gunshot, as the model says.
            threshold: that it must reach; ``MIN_PROBABILITY`` must be reached whatever this is.

        Returns:
            The file; None where no clips are kept, where it is refused (the log says why), or where the disk is full.
        """
        if self.seconds == 0:
            return None
        try:
            self._adopt()
            refused = self._refusal(detection_id, samples, sample_rate, probability, threshold)
            content = b"" if refused else _as_flac(samples, sample_rate)
            if self._recipients and content:
                content = seal(content, self._recipients)
            if not refused and not content:
                refused = f"no FLAC has {samples.shape[1]} channels at {sample_rate} Hz"
            if len(content) > self._limit_bytes:
                refused = f"its {len(content)} bytes are more than all clips together may have"
            if refused:
                self._log.append("clip_refused", clip=detection_id[:64], why=refused)
                return None
            return self._write(detection_id, content, probability, threshold)
        except OSError as error:
            self._complain(f"{self.folder}: a clip cannot be written: {error.strerror or error}")
            return None

    def check(self, clock_is_set: bool = True) -> None:
        """Delete what is due, and take account of what others put there or took away. Never raises for a full disk.

        Args:
            clock_is_set: False while the system's clock has not been set since the machine began, by network or
                satellite, where that is known: it cannot tell then how long the power was away.
        """
        try:
            self._retention.advance(clock_is_set)
            self._adopt()
            for name in self._retention.due():
                self._delete(name, f"its {self._keep_hours:g} h are over")
            self._settle()
            self._retention.save_now_and_then()
        except OSError as error:
            self._complain(f"{self.folder}: clips cannot be looked after: {error.strerror or error}")

    def read_to_send(self, name: str, destination: str) -> bytes:
        """The bytes of a clip, for whoever sends it on; that it was sent where is in the log before they are given out.

        Raises:
            TocsinError: there is no such clip.
            OSError: it cannot be read, or the log cannot be written.
        """
        if name not in self._there():
            raise TocsinError(f"{self.folder} has no clip {name[:64]!r}")
        content = (self.folder / name).read_bytes()
        self._log.append("clip_sent", clip=name, destination=destination, bytes=len(content))
        return content

    def size(self) -> tuple[int, int]:
        """How many clips there are, and their bytes."""
        there = self._there()
        return len(there), sum(there.values())

    def _refusal(
        self, detection_id: str, samples: NDArray[np.floating], rate: int, probability: float, threshold: float
    ) -> str | None:
        if not (probability >= threshold and probability >= MIN_PROBABILITY):
            return f"a probability of {probability:.4f} is below {max(threshold, MIN_PROBABILITY):.4f}"
        if not is_ulid(detection_id):
            return "its name is no ULID"
        if samples.ndim != 2 or not samples.size or len(samples) > self.seconds * rate + 0.5:
            return f"samples of the shape {samples.shape} are no {self.seconds:g} s of (n, channels)"
        if any(name.startswith(detection_id) for name in self._there()):
            return "there is one already"
        return None

    def _write(self, detection_id: str, content: bytes, probability: float, threshold: float) -> Path:
        name = clip_name(detection_id, bool(self._recipients))
        path = self.folder / name
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = write_temporary(path, content)
        try:
            self._make_room(len(content))
            # Its time begins, and the log has it, before it is there: a loss of power leaves no clip that nobody knows.
            self._retention.begin(name)
            self._retention.save()
            self._log.append(
                "clip_written",
                clip=name,
                bytes=len(content),
                sealed_for=list(self._recipients),
                keep_hours=self._keep_hours,
                probability=round(float(probability), 4),
                threshold=round(float(threshold), 4),
            )
            put_in_place(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return path

    def _make_room(self, size: int) -> None:
        there = self._there()
        known = self._retention.oldest_first(there.keys() & self._retention.names)
        while known and (len(there) >= self._limit_count or sum(there.values()) + size > self._limit_bytes):
            self._delete(known[0], "room for a newer one")
            del there[known.pop(0)]
        self._settle()

    def _adopt(self) -> None:
        for name in self._there().keys() - self._retention.names:
            self._retention.adopt(name, stated_s(name))
            self._say("clip_found", name, "nothing was known of it: its age is that of its name")

    def _delete(self, name: str, why: str) -> None:
        if name not in self._there():
            return
        try:
            (self.folder / name).unlink()
        except OSError as error:  # the others are looked after all the same
            self._complain(f"{self.folder / name}: cannot be deleted: {error.strerror or error}")
            return
        self._retention.forget(name)
        self._say("clip_deleted", name, why)

    def _say(self, what: str, name: str, why: str) -> None:
        self._unsaid.append((what, {"clip": name[:64], "why": why}))

    def _settle(self) -> None:
        """Write the lines of the log that are due, those of clips that are not there any more among them."""
        for name in self._retention.names - self._there().keys():
            self._retention.forget(name)
            self._say("clip_gone", name, "taken away by somebody else, or never there in full")
        if not self._unsaid:
            return
        if self.folder.is_dir():
            sync_folder(self.folder)
        while self._unsaid:
            what, fields = self._unsaid[0]
            self._log.append(what, **fields)
            del self._unsaid[0]
        # Only now: after a loss of power before, what is gone is found and said then.
        self._retention.save()

    def _there(self) -> dict[str, int]:
        """The clips in the folder, with their bytes."""
        if not self.folder.is_dir():
            return {}
        return {
            path.name: path.lstat().st_size
            for path in self.folder.iterdir()
            if is_clip(path.name) and path.is_file() and not path.is_symlink()
        }

    def _remove_leftovers(self) -> None:
        """What was being written when the power went."""
        for path in self.folder.iterdir():
            whole = path.name.removesuffix(TEMPORARY)
            if whole != path.name and (whole == STATE or is_clip(whole)):
                path.unlink(missing_ok=True)


def _as_flac(samples: NDArray[np.floating], sample_rate: int) -> bytes:
    """FLAC of 16 bits, made in memory; b"" where FLAC has no such rate or count of channels."""
    buffer = io.BytesIO()
    whole = np.nan_to_num(np.clip(samples, -1.0, 1.0), nan=0.0)
    try:
        soundfile.write(buffer, whole, sample_rate, format="FLAC", subtype="PCM_16")
    except soundfile.LibsndfileError:
        return b""
    return buffer.getvalue()
