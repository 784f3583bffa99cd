"""``tocsin log`` as somebody types it who was never told how it works."""

import io
import os
import stat
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tocsin.cli import main
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.keys import make_identity, recipient_of
from tocsin.inference.sensor.privacy.log_lines import verify
from tocsin.inference.sensor.privacy.sealed import seal, unseal


def tocsin(*words):
    """The command in this process: exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tocsin", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0, out.getvalue(), err.getvalue()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "clips.log"
    with ChainedLog(path) as log:
        log.append("clip_written", clip="a")
        log.append("clip_written", clip="b")
        log.append("clip_deleted", clip="a")
    return path


@pytest.fixture
def sealed(tmp_path):
    """A sealed clip, and the file with its key."""
    identity = make_identity()
    (tmp_path / "key.txt").write_text(f"# created: today\n\n{identity}\n")
    (tmp_path / "x.flac.age").write_bytes(seal(b"fLaC bang", [recipient_of(identity)]))
    return tmp_path / "x.flac.age", tmp_path / "key.txt"


def test_a_whole_log_is_counted_and_its_head_said(log):
    head = str(verify(log).head)
    code, out, err = tocsin("log", "verify", log)
    assert code == 0
    assert out.splitlines() == [
        f"{log}: 4 lines, each follows from the one before; its head is",
        head,
        "      1  clip_deleted",
        "      2  clip_written",
        "      1  log_begun",
    ]
    assert "a cut end would not be seen" in err
    code, out, err = tocsin("log", "verify", log, "--head", head)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.replace(b'"clip":"b"', b'"clip":"c"'), "line 3: expected the hash"),
        (lambda content: content[:-1], "line 4: expected the end of the line"),
        (lambda content: content.split(b"\n", 1)[1], "line 1: expected the hash"),
        (lambda content: b"hello\n", "line 1: expected a line that ends in"),
    ],
)
def test_a_changed_log_exits_with_1_and_names_the_line(log, change, said):
    log.write_bytes(change(log.read_bytes()))
    code, out, err = tocsin("log", "verify", log)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_cut_log_is_seen_with_a_head(log):
    head = str(verify(log).head)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    assert tocsin("log", "verify", log)[0] == 0
    code, _, err = tocsin("log", "verify", log, "--head", head)
    assert code == 1
    assert "line 3: expected lines up to 4, which was published, found the end" in err


def test_a_key_is_made_for_its_owner_alone_and_never_over_another(tmp_path):
    path = tmp_path / "key.txt"
    code, out, _ = tocsin("log", "keygen", "--out", path)
    assert code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    identity = path.read_text().splitlines()[-1]
    assert out.strip() == recipient_of(identity)
    assert path.read_text().splitlines()[1] == f"# public key: {out.strip()}"
    assert unseal(seal(b"bang", [out.strip()]), [identity]) == b"bang"
    assert "there already" in tocsin("log", "keygen", "--out", path)[2]
    assert path.read_text().splitlines()[-1] == identity


def test_without_out_a_key_file_is_printed():
    _, out, _ = tocsin("log", "keygen")
    _, public, identity = out.splitlines()
    assert public == f"# public key: {recipient_of(identity)}"


def test_a_clip_is_opened_and_a_log_says_so(sealed, tmp_path):
    clip, key = sealed
    code, out, _ = tocsin("log", "open", clip, "--identity", key, "--log", tmp_path / "opened.log")
    assert (code, out.strip()) == (0, str(tmp_path / "x.flac"))
    assert (tmp_path / "x.flac").read_bytes() == b"fLaC bang"
    assert stat.S_IMODE((tmp_path / "x.flac").stat().st_mode) == 0o600
    assert verify(tmp_path / "opened.log").counts == {"log_begun": 1, "clip_opened": 1}
    code, _, err = tocsin("log", "open", clip, "--identity", key, "--log", tmp_path / "opened.log")
    assert code == 1
    assert "there already" in err
    assert verify(tmp_path / "opened.log").counts["clip_opened"] == 1
    assert tocsin("log", "open", clip, "--identity", key, "--out", tmp_path / "y.flac")[0] == 0


def test_a_clip_that_cannot_be_opened_is_named_and_nothing_is_written(sealed, tmp_path):
    clip, key = sealed
    out = ("--out", tmp_path / "y.flac")
    (tmp_path / "other.txt").write_text(make_identity())
    (tmp_path / "empty.txt").write_text("# created: today\n")
    (tmp_path / "torn.age").write_bytes(clip.read_bytes()[:-1])
    (tmp_path / "large.age").touch()
    os.truncate(tmp_path / "large.age", (1 << 26) + 1)
    for words, said in (
        ((clip, "--identity", tmp_path / "other.txt"), "x.flac.age cannot be opened: it was sealed for another key"),
        ((tmp_path / "torn.age", "--identity", key), "torn.age cannot be opened: its content was cut or changed"),
        ((key, "--identity", key), "key.txt cannot be opened: it is no file of age"),
        ((clip, "--identity", tmp_path / "empty.txt"), "has no secret key: expected a line AGE-SECRET-KEY-1…"),
        ((clip, "--identity", clip), "x.flac.age: a key"),
        ((clip, "--identity", tmp_path / "gone.txt"), "gone.txt: cannot be read: No such file"),
        ((tmp_path / "large.age", "--identity", key), "is larger than 67108864 bytes"),
    ):
        code, _, err = tocsin("log", "open", *words, *out)
        assert code == 1
        assert said in err
        assert "AGE-SECRET-KEY-1" not in err.replace("AGE-SECRET-KEY-1…", "")
        assert not (tmp_path / "y.flac").exists()
    assert "no ending .age" in tocsin("log", "open", key, "--identity", key)[2]


def test_without_cryptography_one_sentence_says_what_to_type(tmp_path):
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "sys.argv = ['tocsin', 'log', 'keygen', '--out', 'key.txt']\n"
        "from tocsin.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'tocsin: sealed files need cryptography: type pip install "tocsin[sensor]"\n'
    assert not list(tmp_path.iterdir())


def test_a_log_is_verified_without_cryptography_and_without_numpy(log, tmp_path):
    script = (
        "import sys; sys.modules['cryptography'] = sys.modules['numpy'] = None\n"
        f"sys.argv = ['tocsin', 'log', 'verify', {str(log)!r}]\n"
        "from tocsin.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (0, 5)
