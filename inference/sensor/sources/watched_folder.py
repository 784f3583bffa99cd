"""A folder into which a recorder writes: each file is heard once, when it is finished, also across restarts."""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
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
        self._check_there()
        heard = HeardFiles(self._state)
        try:
            watcher = watchfiles.watch(
                self._folder, watch_filter=None, debounce=_POLL_MS, rust_timeout=_POLL_MS, yield_on_timeout=True
            )
            with closing(watcher):
                names, looked_s = self._all(heard), self._clock()
                while True:
                    yield from self._news(heard, names)
                    yield idle_block()
                    changed = [Path(path) for _, path in next(watcher)]
                    names = set(self._seen).union(map(self._name, changed))
                    if self._clock() >= looked_s + LOOK_S or any(map(is_folder, changed)):
                        names, looked_s = self._all(heard), self._clock()
        except (OSError, StopIteration) as error:
            raise self._gone() from error

    def _all(self, heard: HeardFiles) -> set[str]:
        """The names of all sound that is there."""
        self._check_there()
        names = {self._name(path) for path in self._folder.rglob("*") if path.suffix.lower() in AUDIO_ENDINGS}
        heard.forget_all_but(names)
        return names

    def _news(self, heard: HeardFiles, names: Iterable[str]) -> Iterator[Block]:
        """What is finished of the named files."""
        for name in self._finished(heard, names):
            path, version = self._folder / name, self._seen.pop(name)[0]
            if heard.version(name) is not None:
                self._complain(f"{path} changed after it was heard, and is heard again: raise the time to settle")
            try:
                yield from file_blocks(path, None, self._zone, self._say_time)
            except TocsinError as error:
                self._complain(f"{error}; the files after it are heard")
            yield idle_block(begins_anew=True)
            heard.note(name, version)

    def _finished(self, heard: HeardFiles, names: Iterable[str]) -> list[str]:
        """The files to hear now, in order of time; those that may still grow are remembered for the next look."""
        now_s, finished = self._clock(), []
        for name in names:
            version = self._version(name)
            if version is None or version == heard.version(name):
                self._seen.pop(name, None)
                continue
            seen, since_s = self._seen.get(name, (version, now_s))
            since_s = since_s if seen == version else now_s
            self._seen[name] = version, since_s
            if now_s - since_s >= self._settle_s:
                finished.append(name)
        return sorted(finished, key=lambda name: (order_s(self._folder / name, self._zone), name))

    def _version(self, name: str) -> Version | None:
        """Size and time of a file; None where it is no sound to be heard, or gone."""
        path = Path(name)
        if path.suffix.lower() not in AUDIO_ENDINGS or any(part.startswith(".") for part in path.parts):
            return None
        try:
            about = (self._folder / path).stat()
        except OSError:
            return None
        return (about.st_size, about.st_mtime_ns) if stat.S_ISREG(about.st_mode) else None

    def _name(self, path: Path) -> str:
        """The path below the folder."""
        try:
            return str(path.relative_to(self._folder))
        except ValueError:  # the system told another path to the same place
            return os.path.relpath(path.parent.resolve() / path.name, self._folder.resolve())

    def _check_there(self) -> None:
        if not is_folder(self._folder):
            raise self._gone()

    def _gone(self) -> SourceLost:
        return SourceLost(f"{self._folder} is no folder, or its disk is away: expected the folder of a recorder")

    def _say_time(self, sentence: str) -> None:
        if not self._time_said:
            self._complain(sentence)
        self._time_said = True
