"""The address of a stream: what may be opened by it, and how it is shown without its password."""

from urllib.parse import SplitResult, urlsplit

from tocsin import TocsinError

# What FFmpeg may open for each kind, directly or because a server says so: no file, no list of files.
_PROTOCOLS = {
    "http": "http,https,tls,tcp,httpproxy",
    "https": "https,http,tls,tcp,httpproxy",
    "rtsp": "rtsp,rtp,tcp,udp",
    "rtsps": "rtsp,rtp,tcp,tls,udp",
    "icecast": "http,https,tls,tcp,httpproxy",
}
_PLAYLISTS = (".m3u", ".m3u8", ".pls", ".xspf", ".mpd", ".asx")


class StreamAddress:
    """An address that was checked.

    Args:
        text: ``rtsp://``, ``http://`` or ``https://`` and what follows; ``icecast://`` is read as ``http://``.

    Raises:
        TocsinError: it is none of these, names no host, or a playlist.

    Attributes:
        url: for FFmpeg; secret where it holds a password.
        shown: for people: without user, password, and what stands behind a question mark.
        protocols: what FFmpeg may open, with commas between.
        is_rtsp: whether it is RTSP.
    """

    def __init__(self, text: str) -> None:
        try:
            parts = urlsplit(text.strip())
            host, _ = parts.hostname, parts.port
        except ValueError as error:  # says what is wrong, with the password in it
            raise TocsinError(
                "the address of the stream is broken: expected such as rtsp://camera:554/audio"
            ) from error
        if parts.scheme not in _PROTOCOLS:
            raise TocsinError(f"no stream is of the kind {parts.scheme}: expected rtsp, http or https")
        self.shown = _shown(parts)
        if not host or any(ord(letter) <= 32 for letter in text.strip()):
            raise TocsinError(f"{self.shown} names no host: expected such as {parts.scheme}://host/path")
        if parts.path.lower().endswith(_PLAYLISTS):
            raise TocsinError(f"{self.shown} is a playlist: give the address of the stream that it names")
        self.url = text.strip()
        if parts.scheme == "icecast":
            self.url = parts._replace(scheme="http").geturl()
        self.protocols = _PROTOCOLS[parts.scheme]
        self.is_rtsp = parts.scheme in ("rtsp", "rtsps")


def _shown(parts: SplitResult) -> str:
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" + ("?…" if parts.query else "")
