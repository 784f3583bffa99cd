"""Names of clips: the detection's ULID, which begins with its time, ``.flac``, and ``.age`` where it is sealed."""

import re

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CLIP = re.compile(rf"{_ULID.pattern}\.flac(\.age)?")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_LETTERS = 10


def is_ulid(text: str) -> bool:
    """Whether a text is a ULID, and so a name of a file that leads nowhere else."""
    return _ULID.fullmatch(text) is not None


def is_clip(name: str) -> bool:
    """Whether a file is a clip by its name: no other is ever touched."""
    return _CLIP.fullmatch(name) is not None


def clip_name(detection_id: str, sealed: bool) -> str:
    """The name of the clip of a detection."""
    return f"{detection_id}.flac.age" if sealed else f"{detection_id}.flac"


def stated_s(name: str) -> float:
    """The time that the name of a clip begins with, seconds since 1970."""
    milliseconds = 0
    for letter in name[:_TIME_LETTERS]:
        milliseconds = milliseconds * len(_CROCKFORD) + _CROCKFORD.index(letter)
    return milliseconds / 1000
