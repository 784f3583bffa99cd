"""The public sets that a researcher expects: where each comes from, under which licence, and whom to cite.

A hash stands here only where a source names it; where none does, it is None and the commands say "not verified".
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.public_sets import (
    read_cadre,
    read_esc50,
    read_fsd50k,
    read_fsdkaggle2018,
    read_pittsburgh,
    read_tut_rare_2017,
    read_urbansound8k,
)


@dataclass(frozen=True)
class RemoteFile:
    """One file to download; ``size_bytes``, ``md5`` and ``sha256`` are None where no source states them."""

    name: str
    url: str
    md5: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None

    @property
    def known_hash(self) -> str | None:
        """``sha256:…`` or ``md5:…``, as pooch writes it; None where neither is known."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}" if self.md5 else None


@dataclass(frozen=True)
class PublicSet:
    """A public data set.

    ``size_gb`` is that of the download, rounded (10^9 bytes). ``audio_files`` is how many files a complete copy holds,
    None where the publisher does not say. ``read`` gives manifest rows from the unpacked folder. ``licence_note`` says
    what the licence means for weights. A set without ``files`` has to be fetched by hand: ``by_hand`` says how.
    """

    name: str
    title: str
    licence: str
    licence_note: str
    citation: str
    homepage: str
    sessions: str
    classes: str
    read: Callable[[Path], list[ManifestRow]]
    files: tuple[RemoteFile, ...] = ()
    size_gb: float | None = None
    audio_files: int | None = None
    by_hand: str = ""


def _zenodo(record: int, name: str, md5: str | None = None, size_bytes: int | None = None) -> RemoteFile:
    return RemoteFile(name, f"https://zenodo.org/records/{record}/files/{name}?download=1", md5, size_bytes)


def _fsd50k(part: str, md5: str) -> RemoteFile:
    return _zenodo(4060432, f"FSD50K.{part}", md5)


def _tut(part: str, size_bytes: int, md5: str) -> RemoteFile:
    return _zenodo(401395, f"TUT-rare-sound-events-2017-development.{part}.zip", md5, size_bytes)


SETS = (
    PublicSet(
        name="urbansound8k",
        title="UrbanSound8K",
        licence="CC BY-NC 3.0",
        licence_note="weights trained on it are not for commercial use",
        citation="J. Salamon, C. Jacoby, J. P. Bello: A Dataset and Taxonomy for Urban Sound Research, ACM MM 2014",
        homepage="https://urbansounddataset.weebly.com/urbansound8k.html",
        sessions="Freesound id (all slices of one upload); the official fold is kept as a column",
        classes="gunshot, impulse, background; no fireworks",
        read=read_urbansound8k,
        # md5: soundata/datasets/urbansound8k.py (soundata 1.0).
        files=(_zenodo(1203745, "UrbanSound8K.tar.gz", "9aa69802bbf37fb986f71ec1483a196e"),),
        size_gb=6.0,
        audio_files=8732,
    ),
    PublicSet(
        name="esc50",
        title="ESC-50",
        licence="CC BY-NC 3.0",
        licence_note="weights trained on it are not for commercial use",
        citation="K. J. Piczak: ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015",
        homepage="https://github.com/karolpiczak/ESC-50",
        sessions="Freesound id (all takes of one upload); the official fold is kept as a column",
        classes="fireworks, impulse, background; no gunshot",
        read=read_esc50,
        # md5: soundata/datasets/esc50.py (soundata 1.0). GitHub makes the archive anew, so the hash may change one day.
        files=(
            RemoteFile(
                "ESC-50-master.zip",
                "https://github.com/karolpiczak/ESC-50/archive/master.zip",
                "7771e4b9d86d0945acce719c7a59305a",
            ),
        ),
        size_gb=0.6,
        audio_files=2000,
    ),
    PublicSet(
        name="fsd50k",
        title="FSD50K",
        licence="CC BY 4.0 (the set); CC0, CC BY, CC BY-NC or Sampling+ (each clip)",
        licence_note="the manifest carries each clip's licence: leave out CC BY-NC where weights are to be sold",
        citation="E. Fonseca et al.: FSD50K: an Open Dataset of Human-Labeled Sound Events, IEEE/ACM TASLP 30, 2022",
        homepage="https://zenodo.org/records/4060432",
        sessions="Freesound id (one clip each); split and uploader are kept as columns",
        classes="gunshot, fireworks, impulse, background",
        read=read_fsd50k,
        # md5: soundata/datasets/fsd50k.py (soundata 1.0).
        files=(
            _fsd50k("dev_audio.z01", "faa7cf4cc076fc34a44a479a5ed862a3"),
            _fsd50k("dev_audio.z02", "8f9b66153e68571164fb1315d00bc7bc"),
            _fsd50k("dev_audio.z03", "1196ef47d267a993d30fa98af54b7159"),
            _fsd50k("dev_audio.z04", "d088ac4e11ba53daf9f7574c11cccac9"),
            _fsd50k("dev_audio.z05", "81356521aa159accd3c35de22da28c7f"),
            _fsd50k("dev_audio.zip", "c480d119b8f7a7e32fdb58f3ea4d6c5a"),
            _fsd50k("eval_audio.z01", "3090670eaeecc013ca1ff84fe4442aeb"),
            _fsd50k("eval_audio.zip", "6fa47636c3a3ad5c7dfeba99f2637982"),
            _fsd50k("ground_truth.zip", "ca27382c195e37d2269c4c866dd73485"),
            _fsd50k("metadata.zip", "b9ea0c829a411c1d42adb9da539ed237"),
            _fsd50k("doc.zip", "3516162b82dc2945d3e7feba0904e800"),
        ),
        size_gb=24.0,
        audio_files=51197,
    ),
    PublicSet(
        name="fsdkaggle2018",
        title="FSDKaggle2018",
        licence="CC BY 4.0 (the set); CC0, CC BY or CC BY-NC (each clip)",
        licence_note="the manifest carries each clip's licence: leave out CC BY-NC where weights are to be sold",
        citation="E. Fonseca et al.: General-purpose Tagging of Freesound Audio with AudioSet Labels, DCASE 2018",
        homepage="https://zenodo.org/records/2552860",
        sessions="Freesound id; unverified labels are marked in the column quality",
        classes="gunshot, fireworks, impulse, background",
        read=read_fsdkaggle2018,
        files=(
            _zenodo(2552860, "FSDKaggle2018.audio_train.zip"),
            _zenodo(2552860, "FSDKaggle2018.audio_test.zip"),
            _zenodo(2552860, "FSDKaggle2018.meta.zip"),
            _zenodo(2552860, "FSDKaggle2018.doc.zip"),
        ),
        size_gb=4.9,
        audio_files=11073,
    ),
    PublicSet(
        name="pittsburgh-2018",
        title="ShotSpotter live fire, Pittsburgh 2018",
        licence="CC BY 4.0",
        licence_note="name ShotSpotter, Inc. wherever results or weights use it",
        citation="R. B. Calhoun et al.: Precision and accuracy of acoustic gunshot location, arXiv 2108.07377",
        homepage="https://github.com/ShotSpotter/research.accuracy-of-gunshot-location",
        sessions="firing position: one set of sensors, with the same echoes",
        classes="gunshot, background",
        read=read_pittsburgh,
        # GitHub packs the archive when asked, so no hash can be stated.
        files=(
            RemoteFile(
                "research.accuracy-of-gunshot-location.zip",
                "https://github.com/ShotSpotter/research.accuracy-of-gunshot-location/archive/HEAD.zip",
            ),
        ),
        size_gb=0.2,
        audio_files=765,
    ),
    PublicSet(
        name="cadre",
        title="Gunshot Audio Forensics Dataset (Cadre, NIJ 2016-DN-BX-0183)",
        licence="not stated",
        licence_note="no licence to train weights that ship: its rows say use=evaluate",
        citation="Cadre Research Labs: Gunshot Audio Forensics Dataset, NIJ grant 2016-DN-BX-0183",
        homepage="https://cadreforensics.com/audio/",
        sessions="all of it is one session: one range, the same shots on several recorders",
        classes="gunshot",
        read=read_cadre,
        by_hand="register at https://cadreforensics.com/audio/ and unpack what you download there",
    ),
    PublicSet(
        name="tut-rare-2017",
        title="TUT Rare Sound Events 2017 (DCASE 2017 task 2), development set, sources",
        licence="CC0, CC BY, CC BY-NC or Sampling+ (each event); non-commercial EULA (backgrounds)",
        licence_note="weights trained on the backgrounds are not for commercial use",
        citation="A. Mesaros et al.: DCASE 2017 Challenge Setup: Tasks, Datasets and Baseline System, DCASE 2017",
        homepage="https://doi.org/10.5281/zenodo.401395",
        sessions="Freesound id of an event, recording place of a background",
        classes="gunshot, impulse, background",
        read=read_tut_rare_2017,
        # md5 and bytes: dcase_util/datasets/tut.py.
        files=(
            _tut("source_data_events", 639119477, "dc4b7eb77078b4cf1b670c6362679473"),
            _tut("source_data_bgs_and_cvsetup.1", 1072175672, "6f1f4156d41b541d1188fcf44c9a8267"),
            _tut("source_data_bgs_and_cvsetup.2", 1073378284, "ff5dcbe250e45cc404b7b8a6013002ac"),
            _tut("source_data_bgs_and_cvsetup.3", 1069766123, "fb356ae309a40d2f0a38fc1c746835cb"),
            _tut("source_data_bgs_and_cvsetup.4", 1070042681, "2a68575b2ec7a69e2cc8b16b87fae0c9"),
            _tut("source_data_bgs_and_cvsetup.5", 1073380909, "84e70d855457a18115108e42ec04501a"),
            _tut("source_data_bgs_and_cvsetup.6", 1073021941, "048ce898bd434097dd489027f7ba361d"),
            _tut("source_data_bgs_and_cvsetup.7", 1069890239, "3ef1c89fcfac39918a5edc5abc6ed29b"),
            _tut("source_data_bgs_and_cvsetup.8", 180860904, "69dcb81e70f4e6605e178693afcd7722"),
        ),
        size_gb=8.3,
    ),
)


def find_set(name: str) -> PublicSet:
    """The set of that name. Raises ``TocsinError`` with the nearest name where there is none."""
    for known in SETS:
        if known.name == name:
            return known
    names = [known.name for known in SETS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(names)}"
    raise TocsinError(f"tocsin data knows no set {name!r}: {hint}")
