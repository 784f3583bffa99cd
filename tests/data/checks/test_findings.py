"""Findings on sounds whose defect the test makes itself, and none on sounds that have none."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr
from scipy import signal

from tocsin.cli import main
from tocsin.data.audio import Audio
from tocsin.data.checks.findings import band_limit_hz, check_rows, clipped_samples, loop_s, zeros_share
from tocsin.data.checks.fingerprint import compare
from tocsin.data.manifests import ManifestRow, write_manifest

RATE = 16000


def bangs(rng, seconds=3.0, rate=RATE):
    """Some decaying bursts of noise of many colours over a floor: what no other draw is like."""
    sound = 0.002 * rng.standard_normal(round(seconds * rate))
    for at in rng.uniform(0, seconds - 0.3, 6):
        start, length = round(at * rate), round(0.25 * rate)
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / rate / rng.uniform(0.01, 0.06))
        low = rng.uniform(200, 3000)
        sound[start : start + length] += signal.sosfilt(
            signal.butter(2, [low, low + rng.uniform(200, 700)], "bandpass", fs=rate, output="sos"), burst
        )
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture
def place(tmp_path):
    """Writes a sound and gives its row."""

    def write(name, sound, rate=RATE, label="gunshot", source="a", session_id="", **options):
        soundfile.write(tmp_path / name, sound, rate, **options)
        return ManifestRow(tmp_path / name, label, 0.0, len(sound) / rate, name, source, session_id=session_id or name)

    return write


def kinds(rows):
    return sorted({found.kind for found in check_rows(rows)[0]} - {"band_limit"})


def pairs(rows, kind="duplicate"):
    return {(found.row.path.name, found.other.path.name) for found in check_rows(rows)[0] if found.kind == kind}


def test_copies_that_were_turned_down_resampled_coded_or_cut_are_found_and_others_are_not(place, rng):
    sounds = [bangs(rng) for _ in range(8)]
    rows = [place(f"{number}.wav", sound) for number, sound in enumerate(sounds)]
    rows += [
        place("quiet.wav", -0.03 * sounds[0], source="b"),
        place("rate.wav", soxr.resample(sounds[1], RATE, 44100), 44100, source="b"),
        place("coded.ogg", sounds[2], source="b", format="OGG", subtype="VORBIS"),
        place("cut.wav", sounds[3][9001:33000], source="b"),
        place("noisy.wav", sounds[4] + 0.005 * rng.standard_normal(len(sounds[4])), source="b"),
        place("low.wav", soxr.resample(sounds[5], RATE, 6000), 6000, source="b"),
    ]
    copies = ("quiet.wav", "rate.wav", "coded.ogg", "cut.wav", "noisy.wav", "low.wav")
    assert pairs(rows) == {(f"{number}.wav", name) for number, name in enumerate(copies)}
    assert pairs(rows, "leak") == pairs(rows)


def test_offset_and_correlation_of_a_copy_are_those_it_was_made_with(rng):
    sound = bangs(rng, 3.0, 8000)
    value, overlap_s, offset_s = compare(sound, 0.2 * sound[4000:20000])
    assert (round(value, 3), overlap_s, offset_s) == (1.0, 2.0, 0.5)
    assert compare(sound, bangs(rng, 3.0, 8000))[0] < 0.5


def test_duplicate_is_a_leak_across_sessions_and_a_conflict_across_classes(place, rng):
    sound = bangs(rng)
    first = place("a.wav", sound, session_id="s")
    same = place("b.wav", sound, session_id="s")
    assert kinds([first, same]) == ["duplicate"]
    assert kinds([first, replace(same, session_id="t")]) == ["duplicate", "leak"]
    assert kinds([first, replace(same, label="dog_bark")]) == ["duplicate", "label_conflict"]
    assert kinds([first, replace(first, start_s=0.5, label="dog_bark")]) == []


def test_loop_is_found_at_its_period_and_hum_and_noise_are_not_loops(rng):
    once = bangs(rng, 1.3)
    assert loop_s(Audio(np.tile(once, 4)[: 4 * RATE], RATE)) == pytest.approx(1.3)
    resampled = soxr.resample(np.tile(once, 4), RATE, 22050)
    assert loop_s(Audio(resampled, 22050)) == pytest.approx(1.3, abs=1e-4)
    hum = np.sin(2 * np.pi * 120 * np.arange(2 * RATE) / RATE).astype(np.float32)
    assert loop_s(Audio(hum, RATE)) is None
    assert loop_s(Audio(once, RATE)) is None
    assert loop_s(Audio(np.zeros(RATE, np.float32), RATE)) is None


def test_clipping_is_counted_also_where_it_was_turned_down_afterwards(rng):
    sound = bangs(rng) * 20
    clipped = np.clip(sound, -1, 1)
    flat = int((np.abs(sound) >= 1).sum())
    assert 0.5 * flat < clipped_samples(Audio(clipped, RATE)) <= flat
    assert clipped_samples(Audio(0.3 * clipped, RATE)) == clipped_samples(Audio(clipped, RATE))
    assert clipped_samples(Audio(sound / 20, RATE)) == 0


@pytest.mark.parametrize("limit_hz", [2000, 4000, 5500])
def test_band_limit_is_where_the_poorer_rate_ended(rng, limit_hz):
    noise = (0.1 * rng.standard_normal(4 * limit_hz)).astype(np.float32)
    rich = soxr.resample(noise, 2 * limit_hz, 48000)
    steps = np.round(rich * 32768).astype(np.float32) / 32768
    assert band_limit_hz(Audio(steps, 48000)) == pytest.approx(limit_hz, rel=0.1)
    full = (0.1 * rng.standard_normal(48000)).astype(np.float32)
    assert band_limit_hz(Audio(full, 48000)) > 23900


def test_zeros_count_in_runs_of_ten_milliseconds_only():
    sound = np.tile(np.float32([0, 0.1]), 8000)
    sound[4000:8000] = 0
    assert zeros_share(Audio(sound, RATE)) == pytest.approx(0.25, abs=1e-3)


def test_defects_of_files_are_named_and_a_bad_file_does_not_stop_the_rest(place, rng, tmp_path):
    good = place("good.wav", bangs(rng))
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    rows = [
        good,
        place("silent.wav", np.zeros(RATE)),
        place("padded.wav", np.concatenate([bangs(rng, 1.0), np.zeros(RATE)])),
        place("loop.wav", np.tile(bangs(rng, 0.9), 3)),
        place("clipped.wav", np.clip(8 * bangs(rng), -1, 1)),
        replace(good, path=tmp_path / "broken.wav", recording_id="x", session_id="x"),
        replace(good, path=tmp_path / "none.wav", recording_id="y", session_id="y"),
    ]
    found = {(finding.row.path.stem, finding.kind) for finding in check_rows(rows)[0]}
    assert {pair for pair in found if pair[1] != "band_limit"} == {
        ("silent", "silent"),
        ("padded", "zeros"),
        ("loop", "loop"),
        ("clipped", "clipping"),
        ("broken", "unreadable"),
        ("none", "unreadable"),
    }


def test_command_prints_a_row_a_source_and_the_pairs_or_a_row_a_finding(place, rng, tmp_path, monkeypatch, capsys):
    sound = bangs(rng)
    write_manifest([place("a.wav", sound), place("c.wav", bangs(rng))], tmp_path / "a.csv")
    write_manifest([place("b.wav", 0.5 * sound, label="thunder", source="b")], tmp_path / "b.csv")
    command = ["tocsin", "data", "check", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    monkeypatch.setattr("sys.argv", [*command, "--format", "csv"])
    with pytest.raises(SystemExit):
        main()
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["finding"] for row in rows if row["finding"] != "band_limit"] == ["duplicate", "leak", "label_conflict"]
    assert (rows[-1]["source"], rows[-1]["other_source"]) == ("a", "b")
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    assert "label conflict" in said
    assert "a: a.wav (gunshot)" in said
    assert "b: b.wav (thunder)" in said
