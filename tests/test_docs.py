"""What the documentation shows is run: its Python as it stands, its commands as far as their words go."""

import importlib
import io
import re
import shlex
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import typer

from tocsin.cli import VERBS

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
# Their words are not typer's: Hydra overrides.
OTHER_WORDS = ("train",)
WITH_VERBS_OF_THEIR_OWN = ("audit",)


def python_blocks(page):
    """Line of the page and source, of every block of Python."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text[: block.start(1)].count("\n"), block[1]


def commands(page):
    """Every command ``tocsin …`` of a page, in a block or in a line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    typed = re.findall(r"^(?: {4}|\$ )?(?:\.venv/bin/)?(tocsin [a-z-].*?)(?: {2,}.*| +#.*)?$", text, re.MULTILINE)
    return typed + re.findall(r"`(tocsin [a-z-][^`]*)`", text.replace("\n", " "))


@pytest.mark.parametrize("page", [page for page in PAGES if any(python_blocks(page))])
def test_python_of_a_page_runs_from_top_to_bottom(page, sounds, tmp_path, monkeypatch):
    shutil.copytree(sounds, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for line, source in python_blocks(page):
        exec(compile("\n" * line + source, str(ROOT / page), "exec"), namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_commands_of_a_page_exist_with_their_options(page):
    unknown = [command for command in commands(page) if not is_known(shlex.split(command.replace("…", ""))[1:])]
    assert not unknown


def is_known(words):
    """Whether a verb exists, and has every option among its words."""
    verb, *rest = words
    if verb not in VERBS:
        return False
    if verb in OTHER_WORDS:
        return True
    module, name, _ = VERBS[verb]
    function = getattr(importlib.import_module(module), name)
    wanted = {word.partition("=")[0] for word in rest if word.startswith("--")}
    if name == "main":
        return wanted <= options_in_help(function, rest[:1] if verb in WITH_VERBS_OF_THEIR_OWN else ())
    command = click_command(function)
    while rest and hasattr(command, "commands"):
        names = rest.pop(0).split("|")
        if not set(names) <= set(command.commands):
            return False
        command = command.commands[names[0]]
    return wanted <= {"--help"}.union(*(parameter.opts + parameter.secondary_opts for parameter in command.params))


def click_command(function):
    """The parser of a verb that is a typer command or app."""
    if isinstance(function, typer.Typer):
        return typer.main.get_command(function)
    app = typer.Typer()
    app.command()(function)
    return typer.main.get_command(app)


def options_in_help(function, words):
    """The options that a verb with a parser of its own names, or one of its own verbs."""
    with redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit):
        function([word for word in words if word.isalpha()] + ["--help"])
    return set(re.findall(r"--[a-z-]+", out.getvalue()))


@pytest.mark.parametrize(
    "words",
    [
        "hear x.wav",
        "detect x.wav --loud",
        "data lsit",
        "locate --temperature 4",
        "evaluate x --loud",
        "audit power --treat 1",
    ],
)
def test_a_command_that_does_not_exist_is_seen(words):
    assert not is_known(words.split())
