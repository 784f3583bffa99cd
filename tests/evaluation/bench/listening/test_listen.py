"""Recordings heard: as the library hears each alone, whatever the threads; what cannot be heard is said."""

import numpy as np
import pandas
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.evaluation.bench.listening.detector import Heard
from tocsin.evaluation.bench.listening.listen import listen, open_detector
from tocsin.evaluation.bench.log import make_log
from tocsin.inference.audio_model import AudioModel

RATE = 12_000


@pytest.fixture
def folder(tmp_path, rng):
    for number in range(4):
        samples = rng.normal(0, 0.001, 3 * RATE)
        for at_s in (0.7, 1.9):
            start = round((at_s + 0.1 * number) * RATE)
            samples[start : start + 600] += rng.normal(0, 0.3, 600) * np.exp(-np.arange(600) / 150)
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE, subtype="FLOAT")
    return tmp_path


@pytest.fixture
def tiny(write_carded, tmp_path):
    return write_carded(tmp_path / "tiny.onnx", trained_sessions=("met",))


def _table(folder, **columns):
    names = [str(number) for number in range(4)]
    return pandas.DataFrame({"recording": names, "path": [folder / f"{it}.wav" for it in names], **columns})


def test_detections_are_those_of_the_library_and_of_any_number_of_threads(folder, tiny):
    detector = open_detector([tiny])
    heard = listen(_table(folder), detector)
    pandas.testing.assert_frame_equal(listen(_table(folder), detector, workers=3).detections, heard.detections)
    events = AudioModel(tiny).detect(folder / "2.wav")
    rows = heard.detections[heard.detections["recording"] == "2"]
    assert rows["onset_s"].tolist() == [event.onset_s for event in events] != []
    assert rows["score"].tolist() == rows["gunshot"].tolist() == [event.probabilities["gunshot"] for event in events]
    assert rows["snr_db"].tolist() == [event.snr_db for event in events]
    log = make_log(heard.recordings, None, heard.detections, detector=detector.name)
    assert log.hours == pytest.approx(12 / 3600)
    assert log.detector == "tiny-0"


def test_another_target_is_another_score(folder, tiny):
    rows = listen(_table(folder), open_detector([tiny], "fireworks")).detections
    assert rows["score"].tolist() == rows["fireworks"].tolist()
    with pytest.raises(TocsinError, match="target 'thunder' is none of the classes"):
        open_detector([tiny], "thunder")


def test_part_of_a_file_is_a_recording_with_its_own_start(folder, tiny):
    detector = open_detector([tiny])
    whole = listen(_table(folder), detector).detections
    part = listen(_table(folder, start_s=[0.4, 0, np.nan, 0], end_s=[2.4, np.nan, np.nan, 1.5]), detector)
    assert part.recordings["duration_s"].tolist() == pytest.approx([2.0, 3.0, 3.0, 1.5])
    first, whole_first = (it[it["recording"] == "0"]["onset_s"].to_numpy() for it in (part.detections, whole))
    assert len(first) == len(whole_first) == 2
    np.testing.assert_allclose(first + 0.4, whole_first, atol=1e-3)


class Listener:
    """Hears the second sample of whatever is played to it, and the length."""

    name = "listener"

    def __init__(self, picks_onsets):
        self.picks_onsets = picks_onsets

    def detect(self, audio, session):
        length_s = audio.duration_s if isinstance(audio, Audio) else soundfile.info(audio).duration
        return [Heard(0.2, 0.1), Heard(0.9, length_s, 1.1, {"heard_as": session})]


def test_clip_that_begins_inside_its_bang_is_played_after_quiet_to_what_picks_onsets_alone(folder):
    table = _table(folder, session=["a", "", "b", "b"], lead_in=[True, False, False, False])
    heard = listen(table, Listener(True)).detections
    assert heard["onset_s"].tolist() == pytest.approx([0.0, 0.4, 0.2, 0.9, 0.2, 0.9, 0.2, 0.9])
    assert heard["offset_s"][1] == pytest.approx(0.6)
    assert heard["score"][1] == pytest.approx(3.5)
    assert heard["heard_as"][1::2].tolist() == ["a", "1", "b", "b"]
    unmoved = listen(table, Listener(False)).detections
    assert unmoved["onset_s"].tolist() == [0.2, 0.9] * 4
    assert unmoved["score"][1] == pytest.approx(3.0)


def test_one_bad_file_a_silent_one_and_a_session_met_are_said_and_the_rest_goes_on(folder, tiny):
    (folder / "0.wav").write_text("no sound")
    soundfile.write(folder / "1.wav", np.zeros(RATE), RATE)
    said = []
    heard = listen(_table(folder, session=["a", "b", "met", "c"]), open_detector([tiny]), 2, said.append)
    assert heard.recordings["recording"].tolist() == ["3"]
    assert set(heard.detections["recording"]) == {"3"}
    assert list(heard.unheard) == ["0", "1", "2"]
    assert list(heard.unheard.values()) == said
    assert "0.wav" in said[0]
    assert said[1] == f"{folder / '1.wav'}: it is silent from end to end"
    assert said[2] == f"{folder / '2.wav'}: the session met was trained or validated on by all weights given"


def test_nothing_heard_and_missing_columns_are_said(folder, tiny):
    detector = open_detector([tiny])
    with pytest.raises(
        TocsinError, match=r"none of the 4 recordings could be heard, the first because .*0\.wav: the session met"
    ):
        listen(_table(folder, session=["met"] * 4), detector)
    with pytest.raises(TocsinError, match="the column path is missing, found recording"):
        listen(pandas.DataFrame({"recording": ["a"]}), detector)
    with pytest.raises(TocsinError, match="a detector of its own, and 2 files are given"):
        open_detector(["a.toml", tiny])


def test_recordings_without_a_bang_give_a_table_of_no_rows(tiny, tmp_path, rng):
    soundfile.write(tmp_path / "calm.wav", 0.01 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE), RATE)
    table = pandas.DataFrame({"recording": ["calm"], "path": [tmp_path / "calm.wav"]})

    class Deaf(Listener):
        def detect(self, audio, session):
            return []

    heard = listen(table, Deaf(True))
    assert len(make_log(heard.recordings, None, heard.detections).detections) == 0
