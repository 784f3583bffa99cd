"""Pretrained weights to start a training from: whose they are, fetching them, and the check that a file is theirs.

Weights decide what a training starts from, so their hash is always compared, whether they were fetched or given.
"""

from dataclasses import dataclass
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.public.catalogue import RemoteFile
from tocsin.data.public.download import Progress, fetch_file, hash_state

MIT = """MIT License

Copyright (c) {holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


@dataclass(frozen=True)
class Pretrained:
    """Weights that others trained; ``licence_file`` is the name under which ``licence_text`` is written beside them."""

    name: str
    title: str
    licence: str
    licence_note: str
    licence_file: str
    licence_text: str
    citation: str
    homepage: str
    classes: str
    file: RemoteFile

    @property
    def size_gb(self) -> float:
        """Size of the download, rounded, in units of 10^9 bytes."""
        return round((self.file.size_bytes or 0) / 1e9, 3)


PRETRAINED = (
    Pretrained(
        name="pretrained/mn04",
        title="EfficientAT mn04_as, MobileNetV3 of width 0.4 trained on AudioSet",
        licence="MIT, copyright 2022 Florian Schmid",
        licence_note="weights trained from it carry this notice",
        licence_file="LICENSE-EfficientAT.txt",
        licence_text=MIT.format(holder="2022 Florian Schmid"),
        citation="F. Schmid, K. Koutini, G. Widmer: Efficient Large-Scale Audio Tagging via Transformer-to-CNN "
        "Knowledge Distillation, ICASSP 2023, arXiv 2211.04772",
        homepage="https://github.com/fschmid56/EfficientAT",
        classes="527 of AudioSet: weights to start from",
        # The release states no hash: this is of a copy, and other projects state the same one for this address.
        file=RemoteFile(
            "mn04_as_mAP_432.pt",
            "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
            size_bytes=4066513,
            sha256="899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
        ),
    ),
)


def find_pretrained(name: str) -> Pretrained:
    """The weights of that name. Raises ``TocsinError`` with the names that there are."""
    for known in PRETRAINED:
        if known.name == name:
            return known
    raise TocsinError(f"there are no weights {name!r}: type one of {', '.join(known.name for known in PRETRAINED)}")


def fetch_pretrained(known: Pretrained, folder: Path, progress: Progress = lambda done, total: None) -> Path:
    """Download the weights into a folder, their licence beside them; return their path.

    What is there already is not fetched again. Raises ``TocsinError`` as ``fetch_file`` does; a download with a wrong
    hash is not kept.
    """
    try:
        path = fetch_file(known.file, folder, progress, keep_wrong=False)
    except TocsinError as error:
        raise TocsinError(f"{error}; if you have {known.file.name}, give the training its path") from error
    licence = folder / known.licence_file
    if not licence.is_file():
        licence.write_text(known.licence_text, encoding="utf-8")
    return path


def pretrained_path(path: str | Path, name: str = "pretrained/mn04") -> Path:
    """The file of pretrained weights at ``path``, which is the file or the folder that it was fetched to.

    Raises ``TocsinError`` where there is none, and where its hash is not the published one.
    """
    known, path = find_pretrained(name), Path(path)
    found = path / known.file.name if path.is_dir() else path
    state = hash_state(known.file, found)
    if state != "ok":
        wrong = "does not exist" if state == "missing" else f"is not the {known.file.name} of {known.homepage}"
        raise TocsinError(f"{found} {wrong}: type `tocsin data fetch {name}` and give the path that it prints")
    return found
