"""Reports of chrony, systemd-timesyncd and gpsd as these programs print them, and what is none."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.inference.sensor.clock_reports import read_chrony, read_gpsd, read_timesyncd

READERS = (read_chrony, read_timesyncd, read_gpsd)

CHRONY_NETWORK = (
    "A29FC87B,162.159.200.123,4,1732622364.331874654,-0.000312456,0.000104211,0.000287311,-12.345,0.004,0.061,"
    "0.011287654,0.000842123,1030.4,Normal\n"
)
CHRONY_PPS = (
    "50505300,PPS,1,1734801537.000000123,0.000000106,-0.000000096,0.000000172,0.569,-0.000,0.005,"
    "0.000000001,0.000017795,16.0,Normal\n"
)
CHRONY_GPS = CHRONY_PPS.replace("50505300,PPS", "47505300,GPS").replace("0.000017795", "0.052000000")
CHRONY_WAITING = (
    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,"
    "Not synchronised\n"
)
CHRONY_ALONE = CHRONY_NETWORK.replace("A29FC87B,162.159.200.123,4", "7F7F0101,,10")

TIMESYNCD = """       Server: 91.189.94.4 (ntp.ubuntu.com)
Poll interval: 17min 4s (min: 32s; max 34min 8s)
         Leap: normal
      Version: 4
      Stratum: 2
    Reference: 91EECB0E
    Precision: 1us (-23)
Root distance: 29.922ms (max: 5s)
       Offset: +2.497ms
        Delay: 199.540ms
       Jitter: 5.834ms
 Packet count: 6
    Frequency: +13.039ppm
"""
TIMESYNCD_WAITING = """       Server: (null) (0.debian.pool.ntp.org)
Poll interval: 0 (min: 32s; max 34min 8s)
 Packet count: 0
"""

GPSD_PULSE = {"class": "PPS", "device": "/dev/pps0", "real_sec": 1666298551, "real_nsec": 0, "precision": -20}
GPSD_PULSE |= {"clock_sec": 1666298550, "clock_nsec": 999_950_000}
GPSD = "\n".join(
    [
        '{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}',
        '{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0,"scaled":false,"timing":false,"pps":true}',
        '{"class":"TPV","device":"/dev/ttyAMA0","status":2,"mode":3,"time":"2022-10-20T20:42:31.000Z","ept":0.005}',
        json.dumps(GPSD_PULSE),
        '{"class":"SKY","devi',
    ]
)


def test_chrony_bounds_the_error_by_offset_dispersion_and_half_the_delay():
    quality = read_chrony(CHRONY_NETWORK, 0.1)
    assert quality.sigma_s == pytest.approx((0.000312456 + 0.000842123 + 0.011287654 / 2) / math.sqrt(3))
    assert (quality.source, quality.synchronised) == ("chrony", True)
    assert quality.said == "chrony follows 162.159.200.123, within 6.8 ms"


@pytest.mark.parametrize(
    ("report", "source"),
    [
        (CHRONY_PPS, "pps"),
        (CHRONY_GPS, "gps"),
        (CHRONY_PPS.replace("50505300,PPS", "4E4D4541,NMEA"), "gps"),
        (CHRONY_PPS.replace("50505300,PPS", "50484330,PHC0"), "chrony"),
        # A server of the address 80.80.83.0, whose number happens to spell PPS.
        (CHRONY_NETWORK.replace("A29FC87B,162.159.200.123", "50505300,80.80.83.0"), "chrony"),
    ],
)
def test_chrony_names_its_reference_clock(report, source):
    quality = read_chrony(report, 0.1)
    assert (quality.source, quality.synchronised) == (source, True)


@pytest.mark.parametrize("report", [CHRONY_WAITING, CHRONY_ALONE])
def test_chrony_that_follows_nothing_is_no_good_clock(report):
    quality = read_chrony(report, 0.25)
    assert (quality.sigma_s, quality.source, quality.synchronised) == (0.25, "none", False)


@pytest.mark.parametrize(("age_s", "since_s"), [(100.0, 100.0), (None, 17 * 60 + 4), (-5.0, 0.0), (86_400.0, 86_400.0)])
def test_timesyncd_bounds_the_error_and_lets_it_grow(age_s, since_s):
    quality = read_timesyncd(TIMESYNCD, 0.1, age_s)
    bound_s = 0.002497 + 0.029922 + 0.199540 / 2 + 0.005834 + 15e-6 * since_s
    assert quality.sigma_s == pytest.approx(bound_s / math.sqrt(3))
    assert (quality.source, quality.synchronised) == ("timesyncd", True)
    assert quality.said.startswith("systemd-timesyncd follows 91.189.94.4 (ntp.ubuntu.com), within ")


def test_timesyncd_reads_signs_and_small_units():
    report = TIMESYNCD.replace("+2.497ms", "-291us").replace("199.540ms", "0")
    assert read_timesyncd(report, 0.1, 0.0).sigma_s == pytest.approx((291e-6 + 0.029922 + 0.005834) / math.sqrt(3))


@pytest.mark.parametrize("report", [TIMESYNCD_WAITING, TIMESYNCD.replace("Leap: normal", "Leap: not synchronized")])
def test_timesyncd_without_an_answer_is_no_good_clock(report):
    quality = read_timesyncd(report, 0.25)
    assert (quality.sigma_s, quality.source, quality.synchronised) == (0.25, "none", False)


def test_gpsd_compares_the_clock_with_its_pulse():
    quality = read_gpsd(GPSD, 0.1)
    assert quality.sigma_s == pytest.approx(math.hypot(50e-6, 2**-20), rel=1e-3)
    assert (quality.source, quality.synchronised) == ("pps", True)


def test_gpsd_with_a_fix_alone_does_not_vouch_for_the_clock():
    quality = read_gpsd("\n".join(GPSD.splitlines()[:3]), 0.1)
    assert (quality.sigma_s, quality.source, quality.synchronised) == (0.1, "none", False)


def test_a_clock_far_from_the_pulse_is_not_set_by_it():
    quality = read_gpsd(json.dumps(GPSD_PULSE | {"clock_sec": 1666298560}), 0.1)
    assert quality.sigma_s == pytest.approx(10, rel=1e-3)
    assert not quality.synchronised
    assert "let chrony set it" in quality.said


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "report",
    [
        "",
        "\n",
        "506 Cannot talk to daemon\n",
        "Failed to connect to bus: Host is down",
        CHRONY_NETWORK.replace("0.011287654", "nan"),
        CHRONY_NETWORK.replace("0.000842123", "-1"),
        CHRONY_NETWORK.replace("-0.000312456", "1e999"),
        CHRONY_NETWORK[:60],
        TIMESYNCD.replace("29.922ms", "soon"),
        '{"class":"PPS"}',
        json.dumps(GPSD_PULSE | {"real_sec": None}),
        json.dumps(GPSD_PULSE | {"clock_nsec": "NaN"}),
        json.dumps(GPSD_PULSE | {"clock_nsec": True}),
        '{"class":"PPS","real_sec":' + "9" * 5000 + "}",
        "[" * 50_000,
        "[1, 2]\nnull\n7",
        "\x00\ufffd" * 1000,
    ],
)
def test_what_is_no_report_gives_nothing(reader, report):
    assert reader(report, 0.1) is None


PIECES = st.sampled_from(
    [*CHRONY_NETWORK.split(","), ",", "\n", *TIMESYNCD.splitlines(True), *GPSD.splitlines(True), "e9", "-", "∞", "nan"]
)
REPORTS = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(st.text(max_size=8), min_size=14, max_size=14).map(",".join),
    st.lists(st.floats().map(repr), min_size=13, max_size=13).map(lambda values: ",".join([*values, "Normal"])),
    st.dictionaries(
        st.sampled_from(sorted(GPSD_PULSE)), st.one_of(st.just("PPS"), st.floats(), st.integers(), st.text())
    ).map(lambda fields: json.dumps(fields | {"class": "PPS"})),
)


@given(REPORTS)
def test_any_text_gives_a_sane_quality_or_none(report):
    for reader in READERS:
        quality = reader(report, 0.1)
        if quality is not None:
            assert 0 <= quality.sigma_s < math.inf
            assert quality.synchronised == (quality.source != "none")
            assert "\n" not in quality.said
