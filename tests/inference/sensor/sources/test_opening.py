"""What an address stands for, by a table; and what is said of those that stand for nothing."""

import threading

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.inference.sensor.sources.files import Files
from tocsin.inference.sensor.sources.network import NetworkStream
from tocsin.inference.sensor.sources.opening import SourceOptions, open_source
from tocsin.inference.sensor.sources.retrying import Retrying
from tocsin.inference.sensor.sources.sound_card import SoundCard
from tocsin.inference.sensor.sources.standard_input import StandardInput
from tocsin.inference.sensor.sources.watched_folder import WatchedFolder

RAW = SourceOptions(sample_rate=8000)


def source_of(address, options=None):
    """The source itself, without what opens it again, and whether that was round it."""
    opened = open_source(address, options)
    return (opened._source, True) if isinstance(opened, Retrying) else (opened, False)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with some sound, to which relative paths are."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.full(8000, 0.25), 8000)
    (tmp_path / "day").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("address", "kind", "name", "again", "ends"),
    [
        ("device:", SoundCard, "the default microphone", True, False),
        ("device:3", SoundCard, 'microphone "3"', True, False),
        ("device: USB Audio ", SoundCard, 'microphone "USB Audio"', True, False),
        ("device:hw:1,0", SoundCard, 'microphone "hw:1,0"', True, False),
        ("watch:day", WatchedFolder, "folder day", True, False),
        ("watch:not/there/yet", WatchedFolder, "folder not/there/yet", True, False),
        ("rtsp://camera/audio", NetworkStream, "rtsp://camera/audio", True, False),
        ("rtsps://camera:322/audio", NetworkStream, "rtsps://camera:322/audio", True, False),
        ("http://me:hush@radio:8000/live?key=1", NetworkStream, "http://radio:8000/live?…", True, False),
        ("HTTPS://radio/live", NetworkStream, "https://radio/live", True, False),
        ("icecast://radio/live", NetworkStream, "icecast://radio/live", True, False),
        ("-", StandardInput, "standard input", False, True),
        ("a.wav", Files, "a.wav", False, True),
        ("day", Files, "day", False, True),
        (".", Files, ".", False, True),
    ],
)
def test_addresses_stand_for_kinds(here, address, kind, name, again, ends):
    source, retried = source_of(address, RAW)
    assert (type(source), source.name, retried, source.ends) == (kind, name, again, ends)


def test_a_file_that_is_there_wins_over_a_near_miss(here):
    soundfile.write("hw:0.wav", np.zeros(8000), 8000)
    assert source_of("hw:0.wav")[0].name == "hw:0.wav"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "^no source is named: expected device: for the default microphone, .* or https://$"),
        ("none.wav", '^"none.wav" is no file or folder that is there: expected device:'),
        ("hw:1,0", "^hw: is no kind of source: for a sound card type device:hw:1,0, as `--list-devices` names it$"),
        ("pulse:mic", "^pulse: .* type device:pulse:mic"),
        ("default", "^default is no file: for the default microphone type device:$"),
        ("mic", "^mic is no file: for the default microphone type device:$"),
        ("devise:2", '^devise: is no kind of source: did you mean "device:"\\? Expected'),
        ("Device:2", 'did you mean "device:"'),
        ("wacth:day", 'did you mean "watch:"'),
        ("htp://radio/live", 'did you mean "http://"'),
        ("rstp://camera/audio", 'did you mean "rtsp://"'),
        ("http:radio/live", 'did you mean "http://"'),
        ("file:///etc/passwd", "^file: is no kind of source: give the path alone$"),
        ("concat:a.wav|b.wav", "^concat: is no kind of source: Expected device:"),
        ("ftp://radio/live", "^ftp: is no kind of source"),
        ("subfile,,start,0,end,9,,:a.wav", "is no file or folder that is there"),
        ("watch:", "^watch: names no folder: expected such as watch:/media/recorder$"),
        ("watch:a.wav", "^a.wav is a file where a folder to watch was expected: give it without watch:$"),
        ("http://radio/live.m3u8", "is a playlist: give the address of the stream that it names$"),
        ("rtsp://", "^rtsp:// names no host: expected such as rtsp://host/path$"),
        ("x" * 5000, "is no file or folder that is there"),
        ("a\0.wav", "is no file or folder that is there"),
        ("\ud800.wav", "is no file or folder that is there"),
    ],
)
def test_near_misses_get_one_sentence(here, address, sentence):
    with pytest.raises(TocsinError, match=sentence) as why:
        open_source(address, RAW)
    assert "\n" not in str(why.value)


@pytest.mark.parametrize(
    "address",
    ["htp://me:hush@radio/live", "me:hush@radio/live", "http:me:hush@radio", "ftp://me:hush@radio", "me:hu@sh@radio",
     "//me:hush@radio/live", "http://me:hush@ra dio/live", "rtsp://me:hush@radio:x/live", "rtsp:/me:hush@radio"],
)  # fmt: skip
def test_no_near_miss_shows_a_password(here, address):
    with pytest.raises(TocsinError) as why:
        open_source(address)
    assert not [word for word in ("hush", "hu@", "sh@", "me:") if word in str(why.value).replace("device:NAME", "")]


def test_what_is_said_of_a_source_reaches_it(here):
    with pytest.raises(TocsinError, match="standard input has no rate of its own: state it in Hz"):
        open_source("-")
    with pytest.raises(TocsinError, match='no coding of PCM is called "s8"'):
        open_source("-", SourceOptions(sample_rate=8000, coding="s8"))
    with pytest.raises(TocsinError, match="it can be that of one file only"):
        open_source("day", SourceOptions(stated_s=5.0))
    blocks = list(open_source("a.wav", SourceOptions(stated_s=5.0)).blocks())
    assert [block.began_s for block in blocks] == [5.0, 5.5]


def test_a_stop_ends_the_waiting_for_what_is_lost(here):
    said, stop = [], threading.Event()
    source = open_source("watch:gone", None, said.append, stop)
    blocks = source.blocks()
    stop.set()
    assert list(blocks) == []
    assert said == ["gone is no folder, or its disk is away: expected the folder of a recorder; it is tried again "
                    "until it is back"]  # fmt: skip
