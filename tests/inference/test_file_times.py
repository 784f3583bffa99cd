import os
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.inference.file_times import began, time_in_name

# date -u -d '2018-12-19 00:49:26' +%s
SHOT_S = 1545180566.0


@pytest.mark.parametrize(
    "name",
    [
        "20181219_004926.WAV",  # AudioMoth
        "20181219_004926T.WAV",  # AudioMoth, triggered
        "24F319046027BC1D_20181219_004926.WAV",  # AudioMoth with its number
        "SM4_20181219_004926.wav",  # Song Meter
        "S4A02215_20181219_004926_000.wav",
        "2MA01234_20181219_004926.wav",  # Song Meter Mini
        "2018-12-19T00-49-26Z.flac",
        "2018-12-19T00:49:26Z.wav",
        "roof 2018-12-19 00.49.26.wav",
        "20181219T004926Z.wav",
        "20181219T014926+0100.wav",
        "20181218T194926-05:00.wav",
        "2018_12_19_00_49_26.wav",
        "20181219_004926-0001.wav",  # the first part of it, not an offset
        "20181219T004926-0001.wav",
        "20189919_004926_20181219_004926.wav",
    ],
)
def test_names_as_recorders_write_them(name):
    assert time_in_name(name).began_s == SHOT_S


def test_a_fraction_makes_it_finer():
    whole, thousandths = time_in_name("20181219_004926.wav"), time_in_name("20181219T004926.250Z.wav")
    assert thousandths.began_s == SHOT_S + 0.25
    # The standard deviation of what was rounded to a step is that of a uniform distribution.
    assert whole.sigma_s == pytest.approx((1 / 12) ** 0.5)
    assert thousandths.sigma_s == pytest.approx(0.001 * (1 / 12) ** 0.5)


def test_the_zone_of_a_recorder_counts_where_the_name_says_none():
    zone = ZoneInfo("America/New_York")
    assert time_in_name("SM4_20181218_194926.wav", zone).began_s == SHOT_S
    assert time_in_name("2018-12-19T00-49-26Z.wav", zone).began_s == SHOT_S


@pytest.mark.parametrize(
    "name",
    ["a.wav", "12345678_123456.wav", "20181319_004926.wav", "20181219_246060.wav", "20181219.wav",
     "٢٠١٨١٢١٩_004926.wav", "120181219_004926.wav", "20181219_0049261.wav"],
)  # fmt: skip
def test_what_is_no_time_is_none(name):
    assert time_in_name(name) is None


@settings(max_examples=500, deadline=None)
@given(
    at=st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)),
    offset_quarters=st.integers(-56, 56),
    before=st.sampled_from(["", "SM4_", "roof-"]),
)
def test_what_python_writes_is_read_back(at, offset_quarters, before):
    local = at.astimezone(timezone(timedelta(minutes=15 * offset_quarters)))
    assert time_in_name(f"{before}{local.isoformat(timespec='microseconds')}.wav").began_s == pytest.approx(
        at.timestamp(), abs=2e-6
    )


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("0123456789-_:.TZ+ ", max_size=40)))
def test_no_name_is_too_odd(name):
    found = time_in_name(name)
    assert found is None or (0 - 86400 < found.began_s < 7.3e9 and found.sigma_s > 0)


def test_what_is_stated_wins_then_the_name_then_the_last_change(tmp_path):
    named, nameless = tmp_path / "20181219_004926.wav", tmp_path / "x.wav"
    for path in (named, nameless):
        path.write_bytes(b"x")
        os.utime(path, (2000.0, 2000.0))
    assert (began(named, 10.0, 5.0).began_s, began(named, 10.0, 5.0).sigma_s) == (5.0, 0.0)
    assert (began(named, 10.0).began_s, began(named, 10.0).source) == (SHOT_S, "name")
    assert (began(nameless, 10.0).began_s, began(nameless, 10.0).source) == (1990.0, "modified")
    assert began(nameless, 10.0).sigma_s >= 1.0
