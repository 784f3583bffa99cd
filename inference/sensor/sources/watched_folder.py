"""A folder into which a recorder writes: each file is heard once, when it is finished, also across restarts."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.sound import AUDIO_ENDINGS, is_folder
from tocsin.inference.sensor.sources.block import Block, SourceLost, idle_block
from tocsin.inference.sensor.sources.files import file_blocks, order_s
from tocsin.inference.sensor.sources.heard_files import HeardFiles, Version

# A recorder writes at least this often while a recording goes on.
SETTLE_S = 5.0
# The system tells what changes; a share in the network may not, so that it is looked at now and then anyway.
LOOK_S = 30.0
_POLL_MS = 500


class WatchedFolder:
    """A source that is what comes into a folder, and into those in it. It never ends.

    A file is finished when its size and its time stay the same for a while. Hidden files are left out, and names that
    end in nothing that stands for sound, such as ``.part`` and ``.tmp``.

    Args:
        folder: the folder.
        state: the file that remembers what was heard; ``.tocsin-heard.json`` in the folder when ``None``.
        zone: of times in names that do not say theirs.
        settle_s: seconds without a change after which a file is finished.
        complain: called with a sentence about a file that cannot be heard, and about times that are uncertain.
        clock: seconds that are never set, as ``time.monotonic``.
    """

    ends = False

    def __init__(
        self,
        folder: str | Path,
        state: Path | None = None,
        zone: tzinfo = UTC,
        settle_s: float = SETTLE_S,
        complain: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Path(folder)
        self._state = state or self._folder / ".tocsin-heard.json"
        self._zone, self._settle_s, self._complain, self._clock = zone, settle_s, complain, clock
        self._seen: dict[str, tuple[Version, float]] = {}
        self._time_said = False
        self.name = f"folder {folder}"

    def blocks(self) -> Iterator[Block]:
        """What is there and what comes. See :class:`~tocsin.inference.sensor.sources.block.Source`.

        After each file stands an empty block that begins anew, so that the last bang in it need not wait for the next
        file; only when the one who listens asks for more is the file noted as heard. So after a crash the last file is
        heard again, from its beginning.

        Raises:
            SourceLost: the folder is not there.
            TocsinError: watchfiles is missing, or the file that remembers cannot be read or written.
        """
        try:
            import watchfiles
        except ImportError as error:
            raise TocsinError('a watched folder needs watchfiles: type pip install "tocsin[sensor]"') from error
        self._look()
        heard = HeardFiles(self._state)
        changes = watchfiles.watch(
            self._folder, watch_filter=None, rust_timeout=_POLL_MS, yield_on_timeout=True, raise_interrupt=True
        )
        try:
            looked_s = -LOOK_S
            while True:
                if self._seen or looked_s + LOOK_S <= self._clock():
                    yield from self._news(heard)
                    looked_s = self._clock()
                yield idle_block()
                if next(changes):
                    looked_s = -LOOK_S
        except (OSError, StopIteration) as error:
            raise self._gone() from error
        finally:
            changes.close()

    def _news(self, heard: HeardFiles) -> Iterator[Block]:
        for name in self._finished(heard):
            path, version = self._folder / name, self._seen.pop(name)[0]
            try:
                yield from file_blocks(path, None, self._zone, self._say_time)
            except TocsinError as error:
                self._complain(f"{error}; the files after it are heard")
            yield idle_block(begins_anew=True)
            heard.note(name, version)

    def _finished(self, heard: HeardFiles) -> list[str]:
        """The files to hear now, in order of time; those that may still grow are remembered for the next look."""
        now_s, there, finished = self._clock(), self._look(), []
        heard.forget_all_but(there)
        self._seen = {name: seen for name, seen in self._seen.items() if name in there}
        for name, version in there.items():
            if heard.version(name) == version:
                continue
            seen, since_s = self._seen.get(name, (None, now_s))
            if seen != version:
                since_s = now_s
            self._seen[name] = version, since_s
            if now_s - since_s >= self._settle_s:
                finished.append(name)
        return sorted(finished, key=lambda name: (order_s(self._folder / name, self._zone), name))

    def _look(self) -> dict[str, Version]:
        """Size and time of each sound that is there now."""
        there: dict[str, Version] = {}
        if not is_folder(self._folder):
            raise self._gone()
        for path in self._folder.rglob("*"):
            name = path.relative_to(self._folder)
            if path.suffix.lower() in AUDIO_ENDINGS and not any(part.startswith(".") for part in name.parts):
                try:
                    about = path.stat()
                except OSError:  # gone since, or a link to nothing
                    continue
                if path.is_file():
                    there[str(name)] = about.st_size, about.st_mtime_ns
        return there

    def _gone(self) -> SourceLost:
        return SourceLost(f"{self._folder} is no folder, or its disk is away: expected the folder of a recorder")

    def _say_time(self, sentence: str) -> None:
        if not self._time_said:
            self._complain(sentence)
        self._time_said = True
