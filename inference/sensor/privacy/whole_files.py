"""Files that are there whole or not at all, for their owner alone."""

import os
from pathlib import Path

TEMPORARY = ".tmp"  # the ending of a file that is being written


def write_temporary(path: Path, content: bytes) -> Path:
    """Write ``content`` beside ``path``, under its name and ``.tmp``, mode 0600, and on the disk when this returns.

    Raises:
        OSError: the disk is full or gone; nothing is left.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a temporary file its name, for good when this returns."""
    temporary.replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file anew, or leave it as it was. Raises ``OSError`` where the disk is full or gone."""
    put_in_place(write_temporary(path, content), path)


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in a folder, so that they are there after a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
