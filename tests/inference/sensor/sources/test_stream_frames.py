import av
import numpy as np
import pytest

from tocsin.inference.sensor.sources.stream_frames import FrameClock, frame_samples

# Each format of FFmpeg: the coded values, and what they are by the definition of full scale.
FORMATS = {
    "u8": (np.uint8, [0, 128, 255], [-1.0, 0.0, 127 / 128]),
    "s16": (np.int16, [-32768, 0, 32767], [-1.0, 0.0, 32767 / 32768]),
    "s32": (np.int32, [-(2**31), 0, 2**30], [-1.0, 0.0, 0.5]),
    "flt": (np.float32, [-1.0, 0.0, 1.5], [-1.0, 0.0, 1.5]),
    "dbl": (np.float64, [-1.0, 0.0, 0.5], [-1.0, 0.0, 0.5]),
}


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_read_by_its_definition(form, planar):
    kind, coded, expected = FORMATS[form]
    left = np.array(coded, kind)
    right = left[::-1]
    held = np.stack([left, right]) if planar else np.stack([left, right], axis=1).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(held), f"{form}p" if planar else form, "stereo")
    samples = frame_samples(frame)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, np.stack([expected, expected[::-1]], axis=1).astype(np.float32))


def test_doubles_beyond_float32_give_no_warning():
    frame = av.AudioFrame.from_ndarray(np.array([[1e300, -1e300]]), "dbl", "mono")
    assert np.isinf(frame_samples(frame)).all()


def told(*frames, rate=8000):
    """What the clock says of frames ``(number, time in s)``."""
    clock = FrameClock()
    return [clock.next(rate, 1, number, time_s) for number, time_s in frames]


def test_frames_that_follow_each_other_lose_nothing():
    assert told((800, 5.0), (800, 5.1), (400, 5.2), (800, 5.25)) == [(True, 0)] + [(False, 0)] * 3


def test_a_gap_is_counted_in_samples():
    assert told((800, 0.0), (800, 0.3), (800, 0.4)) == [(True, 0), (True, 1600), (False, 0)]


def test_times_rounded_to_milliseconds_do_not_add_up():
    times_s = [round(index * 1024 / 44100, 3) for index in range(20_000)]
    clock = FrameClock()
    assert {clock.next(44100, 2, 1024, time_s) for time_s in times_s[:1]} == {(True, 0)}
    assert {clock.next(44100, 2, 1024, time_s) for time_s in times_s[1:]} == {(False, 0)}


def test_times_that_go_back_or_leap_begin_anew_without_a_count():
    assert told((800, 100.0), (800, 5.0), (800, 5.1), (800, 500.0)) == [(True, 0), (True, 0), (False, 0), (True, 0)]


def test_frames_without_times_follow_each_other():
    assert told((800, None), (800, None), (800, 3.0), (800, None), (800, 3.2)) == [(True, 0)] + [(False, 0)] * 4


def test_another_form_begins_anew():
    clock = FrameClock()
    assert [clock.next(*given) for given in [(8000, 1, 800, 0.0), (8000, 2, 800, 0.1), (16000, 2, 800, 0.2)]] == (
        [(True, 0)] * 3
    )
