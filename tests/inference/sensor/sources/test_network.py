"""Streams of a server on this machine, heard by FFmpeg; what is heard is compared with another decoder's."""

import base64
import io
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.inference.sensor.sources import network, stream_address
from tocsin.inference.sensor.sources.block import SourceLost
from tocsin.inference.sensor.sources.network import NetworkStream
from tocsin.inference.sensor.sources.stream_address import StreamAddress

RATE = 16_000
PATIENCE_S = 5.0  # of what is to be heard: more than a busy machine needs
LITTLE_PATIENCE_S = 0.25  # of what will not come


@dataclass
class Served:
    """What the server says at one path."""

    body: bytes = b""
    kind: str = "application/octet-stream"
    status: int = 200
    headers: dict = field(default_factory=dict)
    stated: int | None = None  # length, where it is not that of the body
    hangs: bool = False  # whether it then keeps silent, the connection open


class Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        self.served, self.asked, self.over = {}, [], threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.server_port = self.server_address[1]

    def address(self, path, served, user=""):
        self.served[path] = served
        return f"http://{user}127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        """A listener that goes away is none."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        served = self.server.served.get(self.path.partition("?")[0], Served(status=404))
        self.send_response(served.status)
        self.send_header("Content-Type", served.kind)
        self.send_header("Connection", "close")  # as Icecast says: its streams have no length
        if served.stated is not None:
            self.send_header("Content-Length", str(served.stated))
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(served.body)
        if served.hangs:
            self.wfile.flush()
            self.server.over.wait(30)

    def log_message(self, *_):
        """Tests say what is wrong."""


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(network, "_POLL_S", 0.05)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


def coded(samples, form, subtype=None, rate=RATE):
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format=form, subtype=subtype)
    return held.getvalue()


def tones(seconds=2.0, channels=2):
    """Tones that no coding spoils, another in each channel, louder and louder so that no two places are alike."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    hz = 300.0 + 140.0 * np.arange(channels)
    return 0.5 * np.sin(2 * np.pi * hz * time_s[:, None]) * (0.2 + 0.8 * time_s[:, None] / seconds)


def heard(address, patience_s=PATIENCE_S):
    """All blocks that hold something, and what the stream was lost by."""
    blocks = []
    try:
        for block in NetworkStream(address, patience_s).blocks():
            if len(block.samples):
                blocks.append(block)
    except SourceLost as error:
        return blocks, str(error)
    raise AssertionError("a stream ended without a word")


def joined(blocks):
    return np.concatenate([block.samples for block in blocks])


@pytest.mark.parametrize(
    ("form", "subtype", "kind", "most"),
    [
        ("WAV", "PCM_16", "audio/wav", 0.0),
        ("WAV", "PCM_24", "audio/wav", 0.0),
        ("WAV", "FLOAT", "audio/wav", 0.0),
        ("WAV", "PCM_U8", "audio/wav", 0.0),
        ("FLAC", "PCM_16", "audio/flac", 0.0),
        ("OGG", "VORBIS", "application/ogg", 1e-4),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg", 1e-3),
    ],
)
def test_samples_are_those_of_a_second_decoder(server, form, subtype, kind, most):
    body = coded(tones(), form, subtype)
    expected, rate = soundfile.read(io.BytesIO(body), dtype="float32", always_2d=True)
    blocks, why = heard(server.address("/roof", Served(body, kind)))
    samples = joined(blocks)
    assert {block.sample_rate for block in blocks} == {rate}
    assert samples.shape[1] == 2
    # The end of a lossy coding is filled up to a whole frame, and cut by one decoder and not by the other.
    assert abs(len(samples) - len(expected)) <= (0 if most == 0 else 1152)
    length = min(len(samples), len(expected))
    np.testing.assert_allclose(samples[:length], expected[:length], rtol=0, atol=most)
    assert [block.begins_anew for block in blocks] == [True] + [False] * (len(blocks) - 1)
    assert sum(block.lost_samples for block in blocks) == 0
    assert why == f"http://127.0.0.1:{server.server_port}/roof has ended"


def test_floats_that_are_no_sound_are_silent_and_counted(server):
    samples = np.full(RATE, 0.25, np.float32)
    samples[[5, 100, 7000]] = np.nan, np.inf, 1e9
    blocks, _ = heard(server.address("/roof", Served(coded(samples, "WAV", "FLOAT"))))
    samples[[5, 100, 7000]] = 0.0
    np.testing.assert_array_equal(joined(blocks).ravel(), samples)
    assert sum(block.unsound_samples for block in blocks) == 3


def test_a_server_that_dies_is_lost_after_what_it_gave(server):
    body = coded(tones(), "WAV", "PCM_16")
    blocks, why = heard(server.address("/roof", Served(body[: len(body) // 2], "audio/wav", stated=len(body))))
    expected, _ = soundfile.read(io.BytesIO(body), dtype="float32")
    samples = joined(blocks)
    assert RATE // 2 < len(samples) <= RATE
    np.testing.assert_array_equal(samples, expected[: len(samples)])
    assert "/roof" in why


@pytest.mark.parametrize("share", [0.0, 0.9], ids=["from the beginning", "after some sound"])
def test_a_server_that_stalls_is_lost_after_the_patience(server, share):
    body = coded(tones(6.0), "WAV", "PCM_16")
    served = Served(body[: round(share * len(body))], "audio/wav", stated=len(body), hangs=True)
    blocks, why = heard(server.address("/roof", served), LITTLE_PATIENCE_S)
    assert bool(blocks) == (share > 0)
    assert "/roof sends nothing: no answer within 0.25 s" in why


def test_a_thread_that_hangs_in_a_library_is_given_up(server, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(network._Reader, "_read", lambda self: over.wait(30))
    _, why = heard(server.address("/roof", Served()), LITTLE_PATIENCE_S / 2)
    over.set()
    assert "/roof sends nothing: no sound for 0.25 s" in why


@pytest.mark.parametrize(
    ("served", "sentence"),
    [
        (Served(b"<html>log in first</html>" * 100, "text/html"), "/x ended before any sound came"),
        (Served(b"log in" * 1000, "text/html", stated=6000), "/x sends what is no sound: expected a stream such as"),
        (Served(bytes(np.random.default_rng(3).integers(0, 256, 50_000, np.uint8)), "audio/mpeg"), "/x "),
        (Served(b"", "audio/mpeg"), "/x ended before any sound came: expected"),
        (Served(status=404), "/x cannot be heard: .*404"),
        (Served(status=401), "/x cannot be heard: .*401"),
        (Served(status=503), "/x cannot be heard: .*5XX"),
    ],
    ids=["page", "page of a length", "noise", "nothing", "404", "401", "503"],
)
def test_what_is_no_sound_gets_one_sentence(server, served, sentence):
    blocks, why = heard(server.address("/x", served))
    assert blocks == []
    assert "\n" not in why
    assert re.search(sentence, why)


def test_headers_that_no_recorder_writes_are_refused(server):
    body = bytearray(coded(np.zeros(RATE), "WAV", "PCM_16"))
    body[24:28] = (1_000_000_000).to_bytes(4, "little")
    blocks, why = heard(server.address("/roof", Served(bytes(body), "audio/wav")))
    assert blocks == []
    assert "/roof has a rate of 1000000000 Hz: expected 2000 to 768000 Hz" in why


def test_a_server_that_is_not_there_is_lost():
    server = Server()
    server.server_close()
    _, why = heard(f"http://127.0.0.1:{server.server_port}/roof")
    assert why.startswith(f"http://127.0.0.1:{server.server_port}/roof cannot be heard: ")


@pytest.mark.parametrize("status", [200, 401, 404])
def test_passwords_are_sent_and_never_shown(server, capfd, status):
    body = coded(np.zeros(RATE), "WAV", "PCM_16")
    address = server.address("/roof", Served(body, status=status), "keeper:hush%40me@") + "?token=seesaw"
    source = NetworkStream(address)
    with pytest.raises(SourceLost) as why:
        list(source.blocks())
    assert source.name == f"http://127.0.0.1:{server.server_port}/roof?…"
    told = f"{source.name} {why.value!r} {why.value.__cause__!r} {capfd.readouterr()} {source!r}"
    assert not [word for word in ("keeper", "hush", "seesaw") if word in told]
    assert server.asked[0][0] == "/roof?token=seesaw"
    if status == 200:
        asked = [sent for _, sent in server.asked if sent]
        assert all(base64.b64decode(sent.split()[1]) == b"keeper:hush@me" for sent in asked)


@pytest.fixture
def secret(tmp_path):
    """A file of this machine that would be heard if a server could name it."""
    path = tmp_path / "secret.mp3"  # an ending that FFmpeg follows a playlist to
    soundfile.write(path, tones(), RATE)
    return path


def hls(path):
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n"
    return f"{head}{path}\n#EXT-X-ENDLIST\n".encode()


def test_the_playlist_would_be_heard_if_it_were_allowed(server, secret, monkeypatch):
    """Else the tests below would pass for another reason."""
    monkeypatch.setattr(network, "_FORMATS", network._FORMATS + ",hls")
    monkeypatch.setitem(stream_address._PROTOCOLS, "http", stream_address._PROTOCOLS["http"] + ",file")
    blocks, _ = heard(server.address("/roof", Served(hls(f"file://{secret}"), "application/vnd.apple.mpegurl")))
    assert len(joined(blocks)) > RATE


@pytest.mark.parametrize("named", ["roof", "roof.mp3"])
@pytest.mark.parametrize("kind", ["application/vnd.apple.mpegurl", "audio/x-mpegurl", "audio/mpeg"])
@pytest.mark.parametrize("target", ["file:///etc/passwd", "file:{}", "{}", "concat:{}", "subfile,,start,0,end,0,,:{}"])
def test_a_playlist_opens_no_file_of_this_machine(server, secret, named, kind, target):
    body = hls(target.format(secret))
    blocks, why = heard(server.address(f"/{named}", Served(body, kind)))
    assert blocks == []
    assert f"/{named}" in why
    assert [path for path, _ in server.asked] == [f"/{named}"] * len(server.asked)


@pytest.mark.parametrize(
    "body",
    [
        "ffconcat version 1.0\nfile '{}'\n",
        "[playlist]\nFile1=file://{}\nNumberOfEntries=1\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
    ids=["list of files", "pls", "session that opens a port"],
)
def test_nor_does_any_other_list(server, secret, body):
    blocks, why = heard(server.address("/roof", Served(body.format(secret).encode(), "audio/mpeg")), 2.0)
    assert blocks == []
    assert "/roof" in why
    assert "sends nothing" not in why  # as it would of a port on which nobody talks


@pytest.mark.parametrize(
    "target", ["file://{}", "concat:{}", "{}", "data:audio/wav;base64,UklGRg==", "tcp://127.0.0.1:9"]
)
def test_a_redirection_leads_to_no_other_protocol(server, secret, target):
    served = Served(status=302, headers={"Location": target.format(secret)})
    blocks, why = heard(server.address("/roof", served))
    assert blocks == []
    assert "/roof cannot be heard" in why


def test_a_redirection_to_another_server_is_followed(server):
    there = server.address("/there", Served(coded(tones(), "WAV", "PCM_16"), "audio/wav"))
    blocks, _ = heard(server.address("/roof", Served(status=302, headers={"Location": there})))
    assert len(joined(blocks)) == 2 * RATE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file:///etc/passwd", "no stream is of the kind file: expected rtsp, http or https"),
        ("concat:http://a/b|/etc/passwd", "no stream is of the kind concat"),
        ("/etc/passwd", "no stream is of the kind"),
        ("http://keeper:hush@radio.example/live.m3u8?token=x", r"^http://radio.example/live.m3u8\?… is a playlist"),
        ("https://radio.example/live.PLS", "is a playlist"),
        ("http://", "names no host: expected such as http://host/path"),
        ("http:///live", "names no host"),
        ("rtsp://keeper:hush@camera/ audio", "rtsp://camera/ audio names no host"),
        ("rtsp://keeper:hush@camera:port/audio", "is broken: expected such as rtsp://camera:554/audio"),
        ("http://keeper:hush@[::1/live", "is broken"),
    ],
)  # fmt: skip
def test_addresses_that_are_none(text, sentence):
    with pytest.raises(TocsinError, match=sentence) as why:
        StreamAddress(text)
    assert "hush" not in str(why.value)


def test_what_may_be_opened_holds_no_files():
    for kind in ("http", "https", "rtsp", "rtsps", "icecast"):
        allowed = StreamAddress(f"{kind}://host/live").protocols.split(",")
        assert not {"file", "concat", "concatf", "crypto", "data", "subfile", "pipe", "fd", "cache"} & set(allowed)


def test_icecast_is_http_with_its_password():
    address = StreamAddress("icecast://keeper:hush@radio.example:8000/live")
    assert address.url == "http://keeper:hush@radio.example:8000/live"
    assert (address.shown, address.is_rtsp) == ("icecast://radio.example:8000/live", False)


def test_closing_it_ends_its_thread(server):
    body = coded(tones(4.0), "WAV", "PCM_16")
    address = server.address("/roof", Served(body, "audio/wav", stated=2 * len(body), hangs=True))
    blocks = NetworkStream(address, PATIENCE_S).blocks()
    while not len(next(blocks).samples):
        pass
    (thread,) = [each for each in threading.enumerate() if each.name.startswith("tocsin http")]
    blocks.close()
    server.over.set()
    thread.join(30)
    assert not thread.is_alive()


def test_without_pyav_its_installation_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(TocsinError, match=r'a stream needs PyAV: type pip install "tocsin\[sensor\]"') as why:
        next(NetworkStream("http://radio.example/live").blocks())
    assert not isinstance(why.value, SourceLost)
