"""Excerpts: read back by a second decoder, at the level and time that they are said to have."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from tocsin.data.audio import Audio
from tocsin.evaluation.report.sounds import RATE_HZ, excerpt, player_of


def decoded(player):
    kind, content = player.source.split(",")
    assert kind == "data:audio/flac;base64"
    return soundfile.read(io.BytesIO(base64.b64decode(content)))


def test_player_holds_the_seconds_round_the_onset(bang):
    player = excerpt(bang, 1.0, "bang", before_s=0.75, after_s=1.5).player
    samples, rate = decoded(player)
    assert rate == RATE_HZ
    assert len(samples) / rate == pytest.approx(2.25, abs=1e-3) == player.duration_s
    assert player.onset_s == 0.75
    assert np.argmax(np.abs(samples) > 0.1) / rate == pytest.approx(player.onset_s, abs=0.02)


def test_gain_is_what_it_is_said_to_be(bang):
    player = excerpt(bang, 1.0, "bang").player
    samples, _ = decoded(player)
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-3, abs=0.01)
    assert player.gain_db == pytest.approx(9, abs=0.05)  # from −12 dBFS


def test_what_is_all_but_silent_is_not_blown_up():
    quiet = player_of(Audio(np.full(8000, 1e-4, np.float32), 8000), 0.5)
    assert quiet.gain_db == 40
    samples, rate = decoded(quiet)
    assert rate == 8000
    assert np.abs(samples).max() == pytest.approx(0.01, abs=1e-4)
    assert player_of(Audio(np.zeros(8000, np.float32), 8000), 0.5).gain_db == 0


def test_an_onset_near_either_end_is_cut_there(bang):
    first, last = excerpt(bang, 0.25, "bang").player, excerpt(bang, 2.75, "bang").player
    assert (first.onset_s, last.onset_s) == (0.25, 1.0)
    assert (first.duration_s, last.duration_s) == (pytest.approx(2.25, abs=1e-3), pytest.approx(1.25, abs=1e-3))


def test_a_recording_that_cannot_be_read_gives_a_note(bang, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    for path, onset_s in ((tmp_path / "broken.wav", 1.0), (tmp_path / "gone.wav", 1.0), (bang, 60.0)):
        heard = excerpt(path, onset_s, "bang")
        assert (heard.player, heard.spectrogram) == (None, "")
        assert heard.note.startswith(f"It cannot be heard here: {path}")


def test_spectrogram_is_small_and_the_same_each_time(bang):
    one, other = (excerpt(bang, 1.0, "bang <1>").spectrogram for _ in range(2))
    assert one == other
    assert len(one) < 60_000
    assert "Spectrogram: bang &lt;1&gt;" in one
    assert len(re.findall(r'href="data:image/png;base64', one)) >= 1
