"""The table of contents: ``tocsin <verb>``, each verb imported from its folder only when it is typed."""

import difflib
import importlib
import os
import signal
import sys

from tocsin import TocsinError, __version__

# verb: (module, function, what it does). A function named main takes the words after the verb as they are;
# any other is a typer command, and a typer app a verb with verbs of its own.
VERBS = {
    "demo": ("tocsin.evaluation.demo.commands", "demo", "a simulated neighbourhood, heard, located, scored, drawn"),
    "classify": ("tocsin.inference.commands", "classify", "a row a file: the probability of each class"),
    "detect": ("tocsin.inference.commands", "detect", "a row an event: onset, class, confidence"),
    "check-array": ("tocsin.localization.commands", "check_array", "sensors whose clock or position seems wrong"),
    "locate": ("tocsin.localization.commands", "locate", "shots from array recordings or tables of detections"),
    "fuse": (
        "tocsin.localization.stream.commands",
        "fuse",
        "incidents as they become certain, from detections as they come in",
    ),
    "listen": ("tocsin.inference.sensor.commands", "listen", "the sensor: hears day and night, sends what bangs"),
    "log": ("tocsin.inference.sensor.privacy.commands", "app", "what became of a sensor's clips: verify, keygen, open"),
    "data": ("tocsin.data.commands", "app", "public sets: list, fetch, verify, manifest, check"),
    "evaluate": (
        "tocsin.evaluation.commands",
        "main",
        "how often a detector is wrong, on anybody's recordings",
    ),
    "audit": ("tocsin.evaluation.audit.commands", "main", "a deployment against what was later confirmed"),
    "review": (
        "tocsin.evaluation.bench.review.commands",
        "app",
        "how often it is wrong, from a sample that people listen to",
    ),
    "train": ("tocsin.training.train", "main", "train a model: Hydra overrides, for example experiment=full"),
    "export": ("tocsin.training.export", "export", "a checkpoint to one .onnx file, checked against torch"),
    "quantize": ("tocsin.training.quantize", "quantize", "an exported model in 8 bits, and what that costs"),
    "join": ("tocsin.training.stages", "join_files", "two exported models in one: the second is asked in doubt alone"),
}


def main() -> None:
    """Entry point of the command ``tocsin``; exits with 0 done, 1 failed, 2 wrong use."""
    words = sys.argv[1:]
    if sys.stderr is None:  # closed by whoever wants no notes
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        sys.exit(_complain("stdout is closed, where the results go: leave out >&-, or give > FILE", code=1))
    if not words or words[0] in ("-h", "--help"):
        print("Usage: tocsin VERB [--help] …\n")
        for verb, (_, _, what) in VERBS.items():
            print(f"  {verb:<11} {what}")
        sys.exit(0 if words else 2)
    if words[0] == "--version":
        print(f"tocsin {__version__}")
        sys.exit(0)
    if words[0] not in VERBS:
        near = difflib.get_close_matches(words[0], VERBS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(VERBS)}"
        sys.exit(_complain(f"tocsin has no verb {words[0]!r}: {hint}", code=2))
    try:
        sys.exit(_run(words[0], words[1:]))
    except TocsinError as error:
        sys.exit(_complain(str(error), code=1))
    except KeyboardInterrupt:
        sys.exit(_complain("interrupted", code=1))
    except OSError as error:  # a full disk, a closed stdout: what is written where is already said by the shell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(_complain(f"cannot write: {error.strerror or error}", code=1))


def _run(verb: str, words: list[str]) -> int:
    module, name, what = VERBS[verb]
    if hasattr(signal, "SIGPIPE") and not module.startswith("tocsin.training"):
        # Where the reader of a pipe has gone (… | head) this ends quietly, as other tools do. Training talks to its
        # own processes through pipes and must see them break.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        function = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if not module.startswith("tocsin.training") or (error.name or "").startswith("tocsin"):
            raise
        raise TocsinError(f'`tocsin {verb}` needs {error.name}: type pip install "tocsin[train]"') from error
    if name == "main":
        return int(function(words) or 0)
    import typer

    if isinstance(function, typer.Typer):
        app = function
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(help=function.__doc__ or what)(function)
    try:
        app(args=words, prog_name=f"tocsin {verb}")
    finally:
        sys.stdout.flush()
    return 0


def _complain(sentence: str, code: int) -> int:
    print(f"tocsin: {sentence}", file=sys.stderr)
    return code
