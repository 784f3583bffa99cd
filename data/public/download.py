"""Downloads that resume where they were cut, are checked by their hash, and lose nothing that was already saved."""

import hashlib
import importlib
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.data.public.catalogue import RemoteFile
from tocsin.data.public.split_zip import SplitZip

# What is downloaded is kept beside what is unpacked from it: it is what `tocsin data verify` compares with the hashes.
ARCHIVES = "archives"

# What a cut may cost of what was already received.
_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 60.0

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and with those of the whole file where the server states them."""


def fetch_file(
    file: RemoteFile,
    folder: Path,
    progress: Progress = lambda done, total: None,
    check: bool = True,
    tries: int = 5,
    keep_wrong: bool = True,
) -> Path:
    """Download one file into ``folder`` unless it is there already with the right hash; return its path.

    A download that is cut goes on where it was (HTTP range), ``tries`` times at once and with the next call again; till
    it is whole it is ``NAME.part``. A file whose hash or size is not the catalogue's is kept as ``NAME.wrong``, or with
    ``keep_wrong=False`` not at all, and a file of that name that was there before is left as it was; ``check=False``
    takes it as it is.

    Raises ``TocsinError`` for a server that cannot be reached or says no, a cut download and a wrong hash.
    """
    pooch = _module("pooch")
    folder.mkdir(parents=True, exist_ok=True)
    known = {"known_hash": file.known_hash if check else None, "fname": file.name, "path": folder}
    # pooch looks whether the file is there and right, and puts it into its place in one step once it is.
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        resuming = _Resuming(file, folder / f"{file.name}.part", progress, check, tries, keep_wrong)
        return Path(pooch.retrieve(file.url, downloader=resuming, **known))
    finally:
        logger.setLevel(level)


def hash_state(file: RemoteFile, path: Path) -> str:
    """``ok``, ``wrong``, ``missing``, or ``not verified`` where neither hash nor size is known."""
    if not path.is_file():
        return "missing"
    if file.size_bytes is not None and path.stat().st_size != file.size_bytes:
        return "wrong"
    if file.known_hash is None:
        return "not verified"
    algorithm, _, digest = file.known_hash.partition(":")
    with path.open("rb") as opened:
        return "ok" if hashlib.file_digest(opened, algorithm).hexdigest() == digest else "wrong"


def unpack(archives: Iterable[Path], folder: Path) -> list[Path]:
    """Unpack ``.zip`` (split ones too: ``.z01`` …) and ``.tar.gz`` into a folder; return those that were unpacked.

    One that was unpacked before and has not changed since is left alone. Raises ``TocsinError`` naming an archive that
    is broken, or that would write outside of the folder.
    """
    done = []
    for archive in archives:
        if archive.suffix.lower().startswith(".z") and archive.suffix.lower() != ".zip":
            continue  # a part of a split archive, read with its .zip
        mark = archive.with_name(f".{archive.name}.unpacked")
        state = f"{archive.stat().st_size} {archive.stat().st_mtime_ns}"
        if mark.is_file() and mark.read_text(encoding="utf-8") == state:
            continue
        try:
            if archive.suffix.lower() == ".zip":
                parts = sorted(archive.parent.glob(f"{archive.stem}.z[0-9][0-9]"))
                if parts:
                    SplitZip([*parts, archive]).extract_all(folder)
                else:
                    with zipfile.ZipFile(archive) as opened:
                        opened.extractall(folder)
            else:
                with tarfile.open(archive) as opened_tar:
                    opened_tar.extractall(folder, filter="data")
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError) as error:
            raise TocsinError(f"{archive} cannot be unpacked: {error}; delete it and fetch the set again") from error
        mark.write_text(state, encoding="utf-8")
        done.append(archive)
    return done


class _Resuming:
    """What pooch calls to download: it goes on with a part, and gives pooch the file when it is whole and right."""

    def __init__(
        self, file: RemoteFile, part: Path, progress: Progress, check: bool, tries: int, keep_wrong: bool
    ) -> None:
        self.file, self.part, self.progress = file, part, progress
        self.check, self.tries, self.keep_wrong = check, tries, keep_wrong

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        requests = _module("requests")
        for attempt in range(self.tries):
            try:
                if self._go_on(requests, url):
                    break
            except requests.HTTPError as error:
                raise TocsinError(
                    f"{url}: the server says {error.response.status_code} {error.response.reason}"
                ) from error
            except requests.RequestException as error:
                if not self.part.is_file() and attempt == self.tries - 1:
                    raise TocsinError(
                        f"{url} cannot be reached: look whether there is a network, or a proxy to name"
                    ) from error
        else:
            done = self.part.stat().st_size if self.part.is_file() else 0
            raise TocsinError(
                f"the download of {self.file.name} was cut after {done} bytes, which are kept: "
                "type the same command again"
            )
        self._accept(Path(output_file))

    def _go_on(self, requests: Any, url: str) -> bool:
        done = self.part.stat().st_size if self.part.is_file() else 0
        headers = (
            {"Range": f"bytes={done}-", "Accept-Encoding": "identity"} if done else {"Accept-Encoding": "identity"}
        )
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            total = _total_bytes(answer.headers)
            if answer.status_code == 416 and done and total in (None, done):
                return True  # nothing is left to send: the part is whole
            if answer.status_code == 416:
                self.part.unlink()
                return False
            answer.raise_for_status()
            if answer.status_code != 206:
                done = 0  # the server sends it from the start
                length = answer.headers.get("Content-Length")
                total = int(length) if length else None
            with self.part.open("ab" if done else "wb") as file:
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
                    done += len(chunk)
                    self.progress(done, total)
        return total is None or done >= total

    def _accept(self, output_file: Path) -> None:
        if self.check and hash_state(self.file, self.part) == "wrong":
            expected = (
                self.file.known_hash.replace(":", " ") if self.file.known_hash else f"{self.file.size_bytes} bytes"
            )
            wrong = f"{self.file.name} is not the file that was expected ({expected})"
            if not self.keep_wrong:
                self.part.unlink()
                raise TocsinError(f"{wrong} and was not kept: type the same command again")
            kept = self.part.with_name(f"{self.file.name}.wrong")
            self.part.replace(kept)
            raise TocsinError(
                f"{wrong}, it is kept as {kept}: type the same command again, or add --no-verify if the publisher has "
                "changed it"
            )
        self.part.replace(output_file)


def _total_bytes(headers: Any) -> int | None:
    total = str(headers.get("Content-Range", "")).rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TocsinError('downloads need pooch: type `pip install "tocsin[train]"`') from error
