"""A tree with a folder for each class, such as ``gunshot/*.wav`` beside ``background/*.wav``, as manifest rows."""

from collections.abc import Callable
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.audio import file_duration_s, find_audio
from tocsin.data.dataframes import Table
from tocsin.data.labels import CLASSES, class_of
from tocsin.data.manifests import COLUMNS, ManifestRow


def read_folder(
    root: str | Path, source: str = "", licence: str = "", complain: Callable[[str], None] = lambda sentence: None
) -> Table[ManifestRow]:
    """List the audio files of a folder-per-class tree as manifest rows, each file one stretch and one recording.

    The folders directly in ``root`` are named for a class or a known fine label (``dog_bark``). A folder between the
    label and the file is a session: ``gunshot/range_may/01.wav`` and ``background/range_may/wind.wav`` belong together
    and no split divides them; a file directly in its label's folder stands alone. ``source`` is the name of ``root``
    where none is given. Only headers are read. ``complain`` gets a sentence for sound that is left out, as of
    :func:`tocsin.data.audio.find_audio`.

    Raises ``TocsinError`` for a folder whose name is no label, a file that cannot be opened, a folder without audio.
    """
    root = Path(root)
    if not root.is_dir():
        raise TocsinError(f"{root} is no folder: expected one with a folder for each class, such as {root}/gunshot")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise TocsinError(f"{root} holds no folders: expected one for each class, named {', '.join(CLASSES)}")
    source = source or root.resolve().name
    rows = []
    for folder in folders:
        try:
            class_of(folder.name)
        except TocsinError as error:
            raise TocsinError(f"{folder}: {error}") from None
        for path in find_audio(folder, complain):
            name = path.relative_to(folder)
            recording_id = f"{source}/{path.relative_to(root).as_posix()}"
            session_id = f"{source}/{name.parts[0]}" if len(name.parts) > 1 else recording_id
            rows.append(
                ManifestRow(
                    path,
                    folder.name,
                    0.0,
                    file_duration_s(path),
                    recording_id,
                    source,
                    licence=licence,
                    session_id=session_id,
                )
            )
    return Table(rows, COLUMNS)
