"""The sound card, with a PortAudio in place of the real one that does what a test says."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.sensor.sources import handover, sound_card
from tocsin.inference.sensor.sources.block import SourceLost
from tocsin.inference.sensor.sources.sound_card import Device, SoundCard, devices

RATE = 48000
DEVICES = (
    ("HDA Intel: ALC257 (hw:0,0)", 2, 44100.0),
    ("HDMI 0", 0, 48000.0),  # nothing to hear with
    ("AudioMoth USB Microphone", 1, 48000.0),
    ("USB Array", 4, 16000.0),
    ("default", 32, 48000.0),
)


class PortAudio(ModuleType):
    """Stands in for the module ``sounddevice``; holds what was opened, and what fails."""

    class PortAudioError(Exception):
        pass

    def __init__(self, listed=DEVICES, default=0):
        super().__init__("sounddevice")
        self.listed, self.default = list(listed), default
        self.streams, self.refusal, self.fails, self.initialised, self.running = [], None, None, 0, True
        outer = self

        class InputStream:
            def __init__(self, **asked):
                if outer.refusal is not None:
                    raise outer.refusal
                self.asked, self.callback, self.active, self.closed = asked, asked["callback"], False, False
                outer.streams.append(self)

            def start(self):
                if outer.fails is not None:
                    raise outer.fails
                self.active = True

            def close(self, ignore_errors=True):
                self.active, self.closed = False, True

        self.InputStream = InputStream

    def query_devices(self, kind=None):
        found = [
            {"index": index, "name": name, "max_input_channels": channels, "default_samplerate": rate}
            for index, (name, channels, rate) in enumerate(self.listed)
        ]
        if kind is None:
            return found
        if self.default < 0:
            raise self.PortAudioError("Error querying device -1")
        return found[self.default]

    def _terminate(self):
        assert all(stream.closed for stream in self.streams), "the list was made anew below an open stream"
        if not self.running:  # as PortAudio says where its start failed
            raise self.PortAudioError("Error terminating PortAudio: PortAudio not initialized", -10000)
        self.running = False

    def _initialize(self):
        self.initialised, self.running = self.initialised + 1, True


@pytest.fixture
def card(monkeypatch):
    portaudio = PortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    monkeypatch.setattr(sound_card, "_POLL_S", 0.001)
    return portaudio


@pytest.fixture
def clock(monkeypatch):
    """Both clocks as a test sets them: seconds since 1970 are a billion ahead."""
    held = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(sound_card, "read_clocks", lambda: (1e9 + held.now_s, held.now_s))
    return held


def give(stream, samples, overflow=False, taken_s=0.0, driver_s=0.0):
    """One call as PortAudio makes it: ``taken_s`` and ``driver_s`` are the driver's times of first sample and call."""
    buffer = np.array(samples, np.float32).reshape(-1, stream.asked["channels"])
    about = SimpleNamespace(inputBufferAdcTime=taken_s, currentTime=driver_s)
    stream.callback(buffer, len(buffer), about, SimpleNamespace(input_overflow=overflow))
    buffer[:] = np.nan  # PortAudio uses its memory again


def opened(card, *given):
    """A card that runs, its blocks, and its stream."""
    blocks = SoundCard(*given).blocks()
    first = next(blocks)
    assert len(first.samples) == 0
    return blocks, card.streams[-1]


def test_samples_come_as_the_driver_gave_them(card, clock):
    blocks, stream = opened(card, "audiomoth")
    assert (stream.asked["device"], stream.asked["samplerate"], stream.asked["channels"]) == (2, 48000, 1)
    assert stream.asked["dtype"] == "float32"
    give(stream, [0.5, -0.25])
    give(stream, [1.0, np.inf])
    one, two = next(blocks), next(blocks)
    assert (one.samples.ravel().tolist(), two.samples.ravel().tolist()) == ([0.5, -0.25], [1.0, 0.0])
    assert (one.begins_anew, two.begins_anew, one.unsound_samples, two.unsound_samples) == (True, False, 0, 1)
    assert (one.lost_samples, two.lost_samples, one.sample_rate) == (0, 0, RATE)
    blocks.close()
    assert stream.closed


def test_the_arrival_is_moved_back_to_when_the_last_sample_was_taken(card, clock):
    blocks, stream = opened(card, 2)
    # The driver's own clock: the first of 4800 samples at 7 s, the call at 7.25 s; so the last was taken 0.15 s ago.
    give(stream, np.zeros(4800), taken_s=7.0, driver_s=7.25)
    block = next(blocks)
    assert block.arrived_monotonic_s == pytest.approx(100.0 - 0.15)
    assert block.arrived_s == pytest.approx(1e9 + 100.0 - 0.15)


@pytest.mark.parametrize(
    ("taken_s", "driver_s"),
    [(0.0, 7.0), (0.0, 0.0), (7.0, 0.0), (7.0, 7.05), (7.0, 9.0)],
    ids=["no time of capture", "no times", "no time of the call", "from the future", "too long ago"],
)
def test_times_that_cannot_be_true_are_left_out(card, clock, taken_s, driver_s):
    blocks, stream = opened(card, 2)
    give(stream, np.zeros(4800), taken_s=taken_s, driver_s=driver_s)
    block = next(blocks)
    assert (block.arrived_s, block.arrived_monotonic_s) == (1e9 + 100.0, 100.0)


def test_an_overflow_is_counted_by_the_clock_and_begins_anew(card, clock):
    blocks, stream = opened(card, 2)
    give(stream, np.zeros(4800))
    clock.now_s += 0.35  # 16800 samples long, of which 4800 came
    give(stream, np.zeros(4800), overflow=True)
    clock.now_s += 0.1
    give(stream, np.zeros(4800))
    counted = [(block.begins_anew, block.lost_samples) for block in (next(blocks) for _ in range(3))]
    assert counted == [(True, 0), (True, 12000), (False, 0)]


def test_an_overflow_in_the_first_buffer_counts_nothing(card, clock):
    blocks, stream = opened(card, 2)
    give(stream, np.zeros(4800), overflow=True)
    block = next(blocks)
    assert (block.begins_anew, block.lost_samples) == (True, 0)


def test_what_a_slow_listener_loses_is_counted_and_begins_anew(card, clock):
    blocks, stream = opened(card, 2)
    whole = round(handover.MOST_S)
    for second in range(whole + 3):
        give(stream, np.full(RATE, second / 100))
    taken = [next(blocks) for _ in range(whole)]
    assert [float(block.samples[0, 0]) for block in taken] == pytest.approx([k / 100 for k in range(whole)])
    give(stream, np.full(RATE, 0.5))
    give(stream, np.full(RATE, 0.75))
    after, then = next(blocks), next(blocks)
    assert (float(after.samples[0, 0]), after.begins_anew, after.lost_samples) == (0.5, True, 3 * RATE)
    assert (float(then.samples[0, 0]), then.begins_anew, then.lost_samples) == (0.75, False, 0)


def test_an_overflow_that_was_dropped_is_counted_too(card, clock):
    blocks, stream = opened(card, 2)
    for _ in range(round(handover.MOST_S)):
        give(stream, np.zeros(RATE))
        clock.now_s += 1.0
    clock.now_s += 0.5
    give(stream, np.zeros(RATE), overflow=True)  # lost before it: half a second; and it finds no place
    for _ in range(round(handover.MOST_S)):
        next(blocks)
    clock.now_s += 1.0
    give(stream, np.zeros(RATE))
    assert next(blocks).lost_samples == RATE + RATE // 2


def test_a_device_that_goes_away_is_lost_after_what_it_gave(card, clock):
    blocks, stream = opened(card, "audiomoth")
    give(stream, [0.5])
    stream.active = False
    assert next(blocks).samples.tolist() == [[0.5]]
    with pytest.raises(SourceLost, match='microphone "AudioMoth USB Microphone" went away: no sound comes from it'):
        list(blocks)
    assert stream.closed


def test_a_device_that_says_it_lives_and_gives_nothing_is_lost(card, clock, monkeypatch):
    monkeypatch.setattr(sound_card, "STALLED_S", 0.003)
    blocks, stream = opened(card, 2)
    with pytest.raises(SourceLost, match="went away"):
        list(blocks)
    assert stream.closed


def test_a_list_is_made_anew_after_a_loss_and_below_no_open_stream(card, clock):
    lost, other = SoundCard("AudioMoth"), SoundCard("USB Array")
    blocks = lost.blocks()
    next(blocks)
    card.streams[-1].active = False
    others = other.blocks()
    next(others)
    with pytest.raises(SourceLost):
        list(blocks)
    card.listed[2] = ("plugged into another port", 1, 48000.0)
    with pytest.raises(SourceLost, match="is not there"):
        next(lost.blocks())
    assert card.initialised == 0  # the other one is being heard
    others.close()
    card.listed[2] = DEVICES[2]
    back = lost.blocks()
    next(back)
    assert card.initialised == 1
    back.close()


def test_a_list_that_cannot_be_made_anew_is_waited_for(card, monkeypatch):
    source = SoundCard(2)
    card.refusal = PortAudio.PortAudioError("Device unavailable", -9985)
    with pytest.raises(SourceLost, match="Device unavailable"):
        next(source.blocks())
    card.refusal = None

    def fail():
        raise PortAudio.PortAudioError("Error initializing PortAudio: Unanticipated host error", -9999)

    with monkeypatch.context() as patch:
        patch.setattr(card, "_initialize", fail)
        with pytest.raises(
            SourceLost, match="cannot be listed: Error initializing PortAudio: Unanticipated host error"
        ):
            next(source.blocks())
    assert len(next(source.blocks()).samples) == 0


def test_a_card_that_fails_as_it_starts_is_lost_and_closed(card):
    card.fails = PortAudio.PortAudioError("Error starting stream: Unanticipated host error", -9999)
    with pytest.raises(SourceLost, match="went away: Error starting stream"):
        next(SoundCard(2).blocks())
    assert card.streams[-1].closed
    assert SoundCard._open_streams == 0


def test_a_name_is_a_part_of_one_in_any_case_and_a_whole_name_wins(card):
    card.listed.append(("Default Loopback", 2, 48000.0))
    assert opened(card, "DEFAULT")[1].asked["device"] == 4
    assert opened(card, "loopb")[1].asked["device"] == 5


def test_a_name_that_fits_several_is_refused_with_their_numbers(card):
    with pytest.raises(TocsinError, match=r'"usb" may be several; say which by its number: .*2 "Audio.*3 "USB') as why:
        next(SoundCard("usb").blocks())
    assert not isinstance(why.value, SourceLost)


@pytest.mark.parametrize("wanted", ["Zoom", 1, 17])
def test_what_is_not_there_is_said_with_what_is(card, wanted):
    with pytest.raises(SourceLost, match=rf'"{wanted}" is not there; the microphones are: 0 "HDA .*, 4 "default"'):
        next(SoundCard(wanted).blocks())


def test_without_any_input_there_is_none(card):
    card.listed, card.default = [DEVICES[1]], -1
    assert devices() == []
    with pytest.raises(SourceLost, match="the default microphone is not there; the microphones are: none"):
        next(SoundCard().blocks())


def test_the_default_is_the_system_s_or_else_the_first(card):
    card.default = 3
    assert opened(card)[1].asked["device"] == 3
    card.default = -1
    assert opened(card)[1].asked["device"] == 0


def test_all_channels_of_a_card_are_heard_and_one_of_a_sound_server(card):
    assert opened(card, 3)[1].asked["channels"] == 4
    assert opened(card, 4)[1].asked["channels"] == 1
    assert opened(card, 3, None, 2)[1].asked["channels"] == 2


def test_the_list_holds_inputs_alone(card):
    assert devices() == [
        Device(0, "HDA Intel: ALC257 (hw:0,0)", 2, 44100),
        Device(2, "AudioMoth USB Microphone", 1, 48000),
        Device(3, "USB Array", 4, 16000),
        Device(4, "default", 32, 48000),
    ]


@pytest.mark.parametrize(
    ("given", "refusal", "kind", "sentence"),
    [
        ((2, 44100), "Error opening InputStream: Invalid sample rate", TocsinError,
         'microphone "AudioMoth USB Microphone" has no rate of 44100 Hz: its own is 48000 Hz'),
        ((3,), "Error opening InputStream: Invalid number of channels", TocsinError, "cannot give 4 channels"),
        ((2,), "Error opening InputStream: Device unavailable", SourceLost, "cannot be opened: .*Device unavailable$"),
        ((2, None, 2), None, TocsinError, "has 1 channel, and not 2"),
        ((2, 0x7FFFFFFF), None, TocsinError, "has a rate of 2147483647 Hz: expected 2000 to 768000 Hz"),
        ((3, None, 1000), None, TocsinError, "has 1000 channels: expected 1 to 64"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_said_in_one_sentence(card, given, refusal, kind, sentence):
    card.refusal = None if refusal is None else PortAudio.PortAudioError(refusal, -9997)
    with pytest.raises(TocsinError, match=sentence) as why:
        next(SoundCard(*given).blocks())
    assert type(why.value) is kind
    assert "\n" not in str(why.value)


def test_a_list_that_fails_is_said(card, monkeypatch):
    def fail(kind=None):
        raise PortAudio.PortAudioError("PortAudio not initialized", -10000)

    monkeypatch.setattr(card, "query_devices", fail)
    with pytest.raises(SourceLost, match=r"the sound cards cannot be listed: PortAudio not initialized$"):
        devices()


def test_without_the_module_its_installation_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for attempt in (devices, lambda: next(SoundCard().blocks())):
        with pytest.raises(TocsinError, match=r'a sound card needs sounddevice: type pip install "tocsin\[sensor\]"'):
            attempt()


def test_without_portaudio_its_package_is_named(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(TocsinError, match="a sound card needs PortAudio: type `sudo apt install libportaudio2`"):
        devices()
