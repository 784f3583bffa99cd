"""Labels written and read again are the same, whatever the format; rows of `tocsin detect` in every form agree."""

import io
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.evaluation.bench.reading.labels_out import write_labels
from tocsin.evaluation.bench.reading.names import reconcile
from tocsin.evaluation.bench.reading.recognise import EventFile, read_events
from tocsin.inference.pick import Event
from tocsin.inference.writers import event_writer

pandas = pytest.importorskip("pandas")

RECORDINGS = pandas.DataFrame(
    {"recording": ["x/a.wav", "x/b.wav", "y/a.wav"], "path": "", "duration_s": [100.0, 50.0, 75.0]}
)
WORDS = st.text(string.ascii_letters + "éü\"'", min_size=1, max_size=8).filter(lambda word: word != "nocall")
LABELS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2]), st.integers(0, 49_000_000), st.integers(0, 1_000_000), WORDS, st.integers(0, 1000)
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:2],
)


def frame_of(rows):
    places, onsets, lengths, labels, scores = zip(*rows, strict=True)
    frame = pandas.DataFrame({"recording": RECORDINGS["recording"].to_numpy()[list(places)]})
    frame["onset_s"] = np.array(onsets) / 1e6
    frame["offset_s"] = (np.array(onsets) + np.array(lengths)) / 1e6
    frame["label"], frame["score"] = labels, np.array(scores) / 1000
    return frame.sort_values(["recording", "onset_s"], ignore_index=True)


@pytest.mark.parametrize("format", ["raven", "audacity", "dcase"])
def test_what_is_written_is_read_again(format, tmp_path_factory):
    @settings(max_examples=8, deadline=None)
    @given(LABELS)
    def check(rows):
        folder, labels = tmp_path_factory.mktemp("out"), frame_of(rows)
        written = write_labels(labels, format, folder / "labels.txt", RECORDINGS)
        # Tracks of several recordings are a folder; one alone does not say of what it is.
        alone, path = labels["recording"].iloc[0], folder / "labels.txt"
        read = reconcile(RECORDINGS, read_events(EventFile(path), "gunshot", alone), "labels")
        read = read.sort_values(["recording", "onset_s"], ignore_index=True)
        assert all(file.is_file() for file in written)
        for name in ("onset_s", "offset_s", "score"):
            np.testing.assert_allclose(read[name], labels[name], atol=2e-6)
        assert read[["recording", "label"]].values.tolist() == labels[["recording", "label"]].values.tolist()

    check()


def test_every_form_of_tocsin_detect_says_the_same(tmp_path):
    def event(onset_s, p):
        chances = {"gunshot": p, "fireworks": 0.0, "backfire": 0.0, "impulse": 0.0, "background": 1 - p}
        return Event(onset_s, 0.001, "gunshot", p, chances, -12.0, 20.0, path="rec.wav")

    import soundfile

    soundfile.write(tmp_path / "rec.wav", np.zeros(40000), 8000)
    events = [event(1.25, 0.875), event(3.5, 0.75)]
    for format in ("csv", "jsonl", "raven", "audacity"):
        out = io.StringIO()
        event_writer(format, tuple(events[0].probabilities), out)(tmp_path / "rec.wav", events)
        path = tmp_path / f"found.{format}"
        path.write_text(out.getvalue())
        read = read_events(EventFile(path), "gunshot", "rec.wav")
        assert read["onset_s"].tolist() == [1.25, 3.5]
        assert read["score"].tolist() == [0.875, 0.75]
        assert read["label"].tolist() == ["gunshot", "gunshot"]
        assert all(name.endswith("rec.wav") for name in read["recording"])


def test_a_stretch_is_written_at_its_place_in_the_file(tmp_path):
    stretch = pandas.DataFrame({"recording": ["a#5-9"], "path": "a.wav", "start_s": 5.0, "duration_s": 4.0})
    labels = pandas.DataFrame({"recording": ["a#5-9"], "onset_s": [1.0], "label": ["gunshot"]})
    (path,) = write_labels(labels, "dcase", tmp_path / "out.tsv", stretch)
    assert path.read_text() == "filename\tonset\toffset\tevent_label\na.wav\t6.000000\t6.050000\tgunshot\n"
