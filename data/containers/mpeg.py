"""MP3: its frames counted, for no header need say how many there are.

Encoders put a frame without sound first, which says it (Xing, Info or VBRI). Where that is absent the decoder guesses
from the size, and leaves out half of a file whose bit rate varies; where several files were joined it ends with the
first; where the file was cut off it promises too much. Layer III alone; the others have no such frame.
"""

from dataclasses import dataclass
from typing import BinaryIO

from tocsin.data.containers.part import Part, read_at

# kbit/s by the index in the header: MPEG 1, and MPEG 2 and 2.5.
_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES_HZ = (44100, 48000, 32000)
_ROOM = 96  # bytes of a frame that are enough to say how many follow
_LOOK = 1 << 12


_Kind = tuple[int, int, bool]


@dataclass
class _Stretch:
    """Frames that belong together.

    ``first`` is where those with sound begin; ``announcement`` the frame before them that says how many there are, at
    its byte ``tag``, empty where there is none.
    """

    start: int
    head: bytes
    kind: _Kind
    first: int
    tag: int
    announcement: bytes
    stop: int = 0
    frames: int = 0

    @property
    def told(self) -> int | None:
        """Frames with sound as announced, None where it is not said."""
        if not self.announcement:
            return None
        if self.announcement[self.tag : self.tag + 4] == b"VBRI":
            return _number(self.announcement, self.tag + 14)
        return _number(self.announcement, self.tag + 8) if _number(self.announcement, self.tag + 4) & 1 else None


def mp3_parts(file: BinaryIO, size: int) -> list[Part]:
    """The parts of a file of ``size`` bytes that are MP3s: one, or as many as were joined, or as damage has left."""
    stretches = [stretch for stretch in _stretches(file, size) if stretch.frames]
    first = stretches[0] if len(stretches) == 1 else None
    if first and first.told == first.frames and (first.start == 0 or read_at(file, 0, 3) == b"ID3"):
        return [Part(0, size)]
    return [_part(stretch) for stretch in stretches]


def _stretches(file: BinaryIO, size: int) -> list[_Stretch]:
    """Frames one behind the other. Where something else stands between them the decoder might lose its way."""
    stretches: list[_Stretch] = []
    known: dict[bytes, tuple[int, _Kind, int]] = {}
    now, place, before, goes_on = None, 0, -1, False
    while place + 4 <= size:
        file.seek(place)
        head = file.read(40)
        if head[:4] not in known:
            known[head[:4]] = _frame_length(head), _kind(head), _tag_place(head)
        length, kind, tag = known[head[:4]]
        if not length or ((not now or kind != now.kind) and not _follows(file, place, size)):
            found = _next_frame(file, before + 1, size)
            if found is None:
                break
            if now and found < now.stop:  # the latest frame was cut off: what follows begins within it
                now.stop, now.frames = before, max(now.frames - 1, 0)
            place, before, goes_on = found, found, False
            continue
        if place + length > size:
            break  # cut off within a frame
        tag = tag if head[tag : tag + 4] in (b"Xing", b"Info") else 36 if head[36:] == b"VBRI" else 0
        if tag or now is None or not goes_on or now.frames == now.told or kind != now.kind:
            announcement = read_at(file, place, length) if tag else b""
            now = _Stretch(place, head[:4], kind, place + length * bool(tag), tag, announcement)
            stretches.append(now)
        now.frames += not tag
        before, place, goes_on = place, place + length, True
        now.stop = place
    return stretches


def is_mp3(head: bytes) -> bool:
    """Whether a frame of layer III begins with these bytes."""
    return _frame_length(head) > 0


def _part(stretch: _Stretch) -> Part:
    """The stretch as a file that announces as many frames as there are."""
    if stretch.told == stretch.frames:
        return Part(stretch.start, stretch.stop)
    header, tag = bytearray(stretch.announcement), stretch.tag
    if stretch.told and header[tag : tag + 4] != b"VBRI":
        # Only the numbers are put right: the encoder's delay, which stands there too, says where the sound starts.
        flags = _number(header, tag + 4)
        header[tag + 8 : tag + 12] = stretch.frames.to_bytes(4)
        if flags & 2:
            header[tag + 12 : tag + 16] = (stretch.stop - stretch.first + len(header)).to_bytes(4)
        delays = tag + 12 + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2 + 21
        if delays + 3 <= len(header):  # the padding behind the sound went with its end
            header[delays + 1 : delays + 3] = bytes([header[delays + 1] & 0xF0, 0])
        return Part(stretch.first, stretch.stop, bytes(header))
    return Part(stretch.first, stretch.stop, _announcement(stretch))


def _announcement(stretch: _Stretch) -> bytes:
    """A frame that says how many follow, and a silent one.

    The decoder takes an announced file to start 529 samples later, by its own delay; the silent frame and the delay
    that is stated here make that a whole frame, so that the sound starts where it does without an announcement.
    """
    head = stretch.head
    fits = (bytes([head[0], head[1] | 1, index << 4 | head[2] & 0x0C, head[3]]) for index in range(1, 15))
    first = next(header for header in fits if _frame_length(header) >= _ROOM)
    length, tag = _frame_length(first), _tag_place(first)
    samples = 1152 if first[1] & 0x18 == 0x18 else 576
    numbers = (3).to_bytes(4) + (stretch.frames + 1).to_bytes(4)
    numbers += (stretch.stop - stretch.first + 2 * length).to_bytes(4)
    tagged = first + bytes(tag - 4) + b"Xing" + numbers + b"LAME".ljust(21, b"\0") + (samples - 529 << 12).to_bytes(3)
    return tagged.ljust(length, b"\0") + first.ljust(length, b"\0")


def _number(data: bytes | bytearray, place: int) -> int:
    return int.from_bytes(data[place : place + 4])


def _tag_place(head: bytes) -> int:
    mono = head[3] >> 6 == 3
    return 4 + ((17 if mono else 32) if head[1] >> 3 & 3 == 3 else (9 if mono else 17))


def _frame_length(head: bytes) -> int:
    """Bytes of the frame with this header of layer III, 0 if it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] & 0x18 == 0x08:
        return 0
    index, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if index in (0, 15) or rate == 3:
        return 0
    version = head[1] >> 3 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    if version == 3:
        return 144000 * _KBPS[0][index] // _RATES_HZ[rate] + padding
    return 72000 * _KBPS[1][index] // (_RATES_HZ[rate] // (2 if version == 2 else 4)) + padding


def _kind(head: bytes) -> _Kind:
    """Version with layer, rate, and whether it is mono: what does not change within a file."""
    return head[1] & 0x1E, head[2] & 0x0C, head[3] >> 6 == 3


def _follows(file: BinaryIO, place: int, size: int) -> bool:
    """Whether the frame at ``place`` is one: another of its kind, or the end, follows it."""
    head = read_at(file, place, 4)
    after = place + _frame_length(head)
    if after == place or after > size:
        return False
    then = read_at(file, after, 4)
    return after + 4 > size or (_frame_length(then) > 0 and _kind(then) == _kind(head)) or then[:3] in (b"TAG", b"ID3")


def _next_frame(file: BinaryIO, place: int, size: int) -> int | None:
    """Where the frames go on behind what is none, such as a tag or damage; None where they do not."""
    while place + 4 <= size:
        head = read_at(file, place, 10)
        if head[:3] == b"ID3" and len(head) == 10:
            place += 10 + sum((byte & 127) << 7 * (3 - digit) for digit, byte in enumerate(head[6:10]))
            if _follows(file, place, size):
                return place
            continue
        piece = read_at(file, place, _LOOK)
        tag, at = piece.find(b"ID3", 1), piece.find(b"\xff")
        while at >= 0 and (at < tag or tag < 0):
            if _follows(file, place + at, size):
                return place + at
            at = piece.find(b"\xff", at + 1)
        place += tag if tag > 0 else max(len(piece) - 2, 1)
    return None
