"""``tocsin classify`` and ``tocsin detect`` as a user types them."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import soundfile

from tocsin.cli import VERBS, main
from tocsin.inference.classify import classify_samples
from tocsin.inference.detect import detect
from tocsin.inference.model import Model

CLASSES = ("gunshot", "fireworks", "backfire", "impulse", "background")


def tocsin(*words):
    """The command in this process: exit code, stdout and stderr as its own process would give them."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tocsin", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
    return CompletedProcess(words, end.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two good files, of other rates and endings, and a broken one."""
    root, rng = tmp_path_factory.mktemp("audio"), np.random.default_rng(3)
    for name, rate in (("a.wav", 12000), ("b.flac", 44100)):
        samples = 0.002 * rng.standard_normal(2 * rate)
        start, length = round(0.8 * rate), round(0.1 * rate)
        samples[start : start + length] += (
            0.4 * np.exp(-np.arange(length) / (0.01 * rate)) * rng.standard_normal(length)
        )
        soundfile.write(root / name, samples, rate)
    (root / "broken.wav").write_bytes(b"RIFF nothing")
    return root


def test_classify_rows_are_the_library_s_answer(folder, tiny_onnx):
    result = tocsin("classify", folder / "a.wav", folder / "b.flac", "--model", tiny_onnx)
    assert (result.returncode, result.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == ("path", *CLASSES)
    for row, name in zip(rows, ("a.wav", "b.flac"), strict=True):
        samples, rate = soundfile.read(folder / name, dtype="float32")
        expected = classify_samples(Model(tiny_onnx), samples, rate)
        assert row["path"] == str(folder / name)
        for label in CLASSES:
            assert float(row[label]) == pytest.approx(expected[label], abs=1e-5)


def test_a_bad_file_is_named_and_the_rest_goes_on(folder, tiny_onnx):
    result = tocsin("classify", folder, folder / "absent.wav", "--model", tiny_onnx, "--format", "jsonl")
    assert result.returncode == 1
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == [
        str(folder / "a.wav"), str(folder / "b.flac")
    ]  # fmt: skip
    complaints = result.stderr.splitlines()
    assert len(complaints) == 2
    assert all(line.startswith("tocsin: ") for line in complaints)
    assert "broken.wav" in complaints[0]
    assert "absent.wav" in complaints[1]


def test_detect_finds_the_bang_in_every_format(folder, tiny_onnx):
    path = folder / "b.flac"
    samples, rate = soundfile.read(path, dtype="float32")
    expected = detect(samples, rate, Model(tiny_onnx))
    flags = ["--model", tiny_onnx] + [word for label in CLASSES for word in ("--label", label)]
    rows = list(csv.DictReader(io.StringIO(tocsin("detect", path, *flags).stdout)))
    assert [float(row["onset_s"]) for row in rows] == [round(event.onset_s, 6) for event in expected]
    assert min(abs(float(row["onset_s"]) - 0.8) for row in rows) < 0.003
    lines = [json.loads(line) for line in tocsin("detect", path, *flags, "--format", "jsonl").stdout.splitlines()]
    assert [line["label"] for line in lines] == [event.label for event in expected]
    raven = list(
        csv.DictReader(io.StringIO(tocsin("detect", path, *flags, "--format", "raven").stdout), delimiter="\t")
    )
    assert [row["Selection"] for row in raven] == [str(number + 1) for number in range(len(expected))]
    assert all(row["Begin Path"] == str(path) for row in raven)
    audacity = tocsin("detect", path, *flags, "--format", "audacity").stdout.splitlines()
    assert [float(line.split("\t")[0]) for line in audacity] == [round(event.onset_s, 6) for event in expected]


def test_selections_of_several_files_count_on_as_raven_opens_them(tiny_onnx, tmp_path):
    rng, files = (
        np.random.default_rng(5),
        (("a.wav", 12000, 3.0, 1.0), ("b.wav", 8000, 2.5, None), ("c.wav", 8000, 2.0, 1.98)),
    )
    for name, rate, length_s, bang_s in files:
        samples = 0.002 * rng.standard_normal(round(length_s * rate))
        if bang_s is not None:
            tail = samples[round(bang_s * rate) :]
            tail += 0.4 * np.exp(-np.arange(tail.size) / (0.01 * rate)) * rng.standard_normal(tail.size)
        soundfile.write(tmp_path / name, samples, rate)
    flags = ["--model", tiny_onnx, "--format", "raven"] + [word for label in CLASSES for word in ("--label", label)]
    out = tocsin("detect", tmp_path, *flags).stdout
    first, last = csv.DictReader(io.StringIO(out), delimiter="\t")
    assert [Path(row["Begin Path"]).name for row in (first, last)] == ["a.wav", "c.wav"]
    assert [row["Selection"] for row in (first, last)] == ["1", "2"]
    assert float(first["Begin Time (s)"]) == float(first["File Offset (s)"]) == pytest.approx(1.0, abs=0.002)
    assert float(last["File Offset (s)"]) == pytest.approx(1.98, abs=0.002)
    # b.wav is silent, and its 2.5 s count all the same; the selection ends where the last file ends.
    assert float(last["Begin Time (s)"]) == pytest.approx(5.5 + float(last["File Offset (s)"]), abs=1e-5)
    assert float(last["End Time (s)"]) == 7.5
    assert [float(row["High Freq (Hz)"]) for row in (first, last)] == [6000, 4000]


def test_threshold_decides_the_label_not_the_event(folder, tiny_onnx):
    flags = ["--model", tiny_onnx, "--format", "jsonl"] + [word for label in CLASSES for word in ("--label", label)]
    low, high = (
        [json.loads(line) for line in tocsin("detect", folder / "a.wav", *flags, "--threshold", t).stdout.splitlines()]
        for t in (0, 1)
    )
    assert [row["onset_s"] for row in low] == [row["onset_s"] for row in high]
    assert {row["label"] for row in low} == {"gunshot"}
    assert "gunshot" not in {row["label"] for row in high}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["clasify", "x.wav"], 2, "tocsin has no verb 'clasify': did you mean 'classify'?"),
        (["classify", "absent.wav"], 1, "tocsin: absent.wav does not exist"),
        (["classify", "--model", "absent.onnx", "x.wav"], 1, "absent.onnx: no such file"),
        (["detect", "--label", "voice", "x.wav"], 2, "has the classes gunshot"),
        (["detect", "--format", "audacity", "a.wav", "b.wav"], 2, "an Audacity label track belongs to one file, got 2"),
        (["export", "absent.ckpt"], 1, "absent.ckpt: no such checkpoint"),
    ],
)
def test_wrong_use_gets_one_sentence(words, code, sentence, tiny_onnx):
    if words[0] in ("classify", "detect") and "--model" not in words:
        words = [*words, "--model", tiny_onnx]
    result = tocsin(*words)
    assert result.returncode == code
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert len(result.stdout.splitlines()) <= 1  # a table may have its header, and no rows


def test_one_odd_file_does_not_stop_the_rest(folder, tiny_onnx, tmp_path):
    soundfile.write(tmp_path / "a_good.wav", np.zeros(6000), 12000)
    soundfile.write(tmp_path / "b_slow.wav", np.zeros(100), 1000)
    soundfile.write(tmp_path / "c_integers.wav", 30000 * np.ones(6000), 12000, subtype="FLOAT")
    (tmp_path / os.fsdecode(b"d_\xff.wav")).write_bytes((tmp_path / "a_good.wav").read_bytes())
    soundfile.write(tmp_path / "e_good.wav", np.zeros(6000), 12000)
    result = tocsin("classify", tmp_path, tmp_path / ("x" * 300), "--model", tiny_onnx, "--format", "jsonl")
    assert result.returncode == 1
    assert [Path(json.loads(line)["path"]).name for line in result.stdout.splitlines()] == ["a_good.wav", "e_good.wav"]
    slow, integers, name, long = result.stderr.splitlines()
    assert "1000 Hz is too low: 3000 Hz at least" in slow
    assert "a sample of 30000: expected -1 to 1" in integers
    assert "has a name that is not UTF-8" in name
    assert "does not exist" in long


@pytest.mark.parametrize("verb", ["classify", "detect"])
def test_sound_of_a_folder_that_cannot_be_read_is_said_to_be_left_out(verb, tiny_onnx, tmp_path):
    soundfile.write(tmp_path / "a.wave", np.zeros(6000), 12000, format="WAV")
    (tmp_path / "b.m4a").touch()
    result = tocsin(verb, tmp_path, "--model", tiny_onnx)
    assert result.returncode == 0
    [sentence] = result.stderr.splitlines()
    assert sentence.startswith(f"tocsin: {tmp_path / 'b.m4a'} left out, for such a format cannot be read")
    assert ("a.wave" in result.stdout) == (verb == "classify")  # silence is classified, and no bang


def test_a_reader_that_leaves_early_ends_it_quietly(folder, tiny_onnx):
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", "classify", "--model", str(tiny_onnx)]
    files = [str(folder / "a.wav")] * 1 + [str(folder)]
    with subprocess.Popen([*command, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode != 0


def test_help_lists_every_verb():
    result = tocsin("--help")
    assert result.returncode == 0
    assert all(verb in result.stdout for verb in VERBS)
    assert tocsin().returncode == 2
    assert tocsin("--version").stdout.startswith("tocsin ")


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_end_of_the_shell_gives_no_traceback(closed, folder, tiny_onnx, tmp_path):
    said = tmp_path / "said"
    other = "12"[closed == "1"]
    words = [sys.executable, "-m", "tocsin", "classify", folder / "a.wav", "--model", tiny_onnx]
    line = f"exec {shlex.join(map(str, words))} {closed}>&- {other}>{said}"
    result = subprocess.run(["sh", "-c", line], check=False)
    assert result.returncode == (1 if closed == "1" else 0)
    sentence = "tocsin: stdout is closed, where the results go: leave out >&-, or give > FILE\n"
    text = said.read_text()
    assert text == sentence if closed == "1" else text.startswith("path,gunshot")
