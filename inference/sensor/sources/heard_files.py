"""Which files of a folder were heard, in a small file that is whole at any moment."""

import json
import os
from collections.abc import Container
from pathlib import Path

from tocsin import TocsinError

# Size in bytes, and time of the last change in nanoseconds since 1970.
Version = tuple[int, int]


class HeardFiles:
    """The names that were heard, each with the version of it that was.

    Args:
        path: of the file that remembers them; it need not be there yet.

    Raises:
        TocsinError: it is there, and cannot be read as such a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._versions: dict[str, Version] = {}
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            self._versions = {str(name): (int(size), int(changed)) for name, (size, changed) in held.items()}
        except FileNotFoundError:
            pass
        except OSError as error:
            raise TocsinError(
                f"{path} cannot be read ({error.strerror}): it remembers which files were heard"
            ) from error
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise TocsinError(
                f"{path} does not say which files were heard, as it should: delete it, and all are heard again"
            ) from error

    def version(self, name: str) -> Version | None:
        """The version of a file that was heard, or None."""
        return self._versions.get(name)

    def note(self, name: str, version: Version) -> None:
        """Remember a file. On return that is on the disk. Raises ``TocsinError`` where it cannot be written."""
        self._versions[name] = version
        beside = self._path.with_name(self._path.name + ".new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump(self._versions, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise TocsinError(
                f"{self._path} cannot be written ({error.strerror}): it remembers which files were heard"
            ) from error

    def forget_all_but(self, there: Container[str]) -> None:
        """Forget the files that are deleted. Where none is there any more the disk may be away: all are remembered."""
        left = {name: version for name, version in self._versions.items() if name in there}
        if left:
            self._versions = left
