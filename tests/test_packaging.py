"""The package list, the light imports and the import rule, each checked against what is really there."""

import json
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNIT = "inference/sensor/operation/tocsin-listen.service"
PAGE = "evaluation/report/templates/page.html"
MAPPING = "evaluation/audit/mappings/cambridge-ma.yaml"

USER_SCRIPT = """
from pathlib import Path

import numpy as np

import tocsin


def listen(path: Path) -> list[str]:
    model: tocsin.AudioModel = tocsin.load_model("tocsin-s", threads=2)
    answer: tocsin.Classification = model.classify(path)
    share: float = answer.probabilities["gunshot"]
    model.detect((np.zeros(12000), 12000)).to_dataframe()
    return [f"{event.label} {event.onset_s + share}" for event in model.detect(path, threshold=0.5)]


def place(path: str) -> tuple[float | None, bool]:
    shots: tocsin.Table[tocsin.Shot] = tocsin.locate(path, temperature_c=4.0)
    engine = tocsin.Fusion(tocsin.air_of({"temperature_c": 4.0}))
    engine.push(tocsin.read_detections(path))
    incident: tocsin.Incident = engine.finish()[0]
    rows = tocsin.data.read_manifest("manifest.csv")
    tocsin.data.group_folds(rows, 5)
    return shots[0].place.x_m, incident.shots[0].ambiguous
"""


def test_packages_listed_equal_the_folders_with_an_init():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        "tocsin." + ".".join(init.parent.relative_to(ROOT).parts)
        for init in ROOT.glob("[!.]*/**/__init__.py")
        if "build" not in init.parts
    }
    assert set(listed) == folders | {"tocsin"}
    assert len(listed) == len(set(listed))


def test_typing_links_equal_the_packages():
    linked = {link.name for link in (ROOT / ".typing/tocsin").iterdir() if link.is_dir()}
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert linked == {name.split(".")[1] for name in listed if "." in name}


def imported_by(statement: str) -> set[str]:
    """Top-level modules loaded by a statement in a fresh interpreter."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize(
    "folder", ["acoustics", "configs", "data", "evaluation", "inference", "localization", "models", "training"]
)
def test_import_of_a_folder_is_light(folder):
    heavy = {"torch", "onnxruntime", "scipy", "pandas", "matplotlib", "lightning", "hydra", "librosa", "sklearn"}
    assert not imported_by(f"import tocsin.{folder}") & heavy
    assert not imported_by("import tocsin, tocsin.cli") & heavy


def test_sensor_side_never_loads_torch():
    modules = [
        "tocsin." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("acoustics", "data", "inference", "localization", "evaluation")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    assert modules
    assert not imported_by("import " + ", ".join(modules)) & {"torch", "torchaudio", "lightning", "librosa", "hydra"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel made from it, of the files that git would put into a clone."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel_python(built, tmp_path_factory):
    """A Python into which the wheel is installed, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, built[1]]
    subprocess.run(install, check=True, capture_output=True)
    # The dependencies; .pth files in folders that a .pth file names are not read, so no editable install comes along.
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return folder / "bin/python"


def test_wheel_holds_what_runs_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    stubs = {f"tocsin/{path.relative_to(ROOT)}" for path in [*ROOT.glob("*.pyi"), *ROOT.glob("[!.]*/*.pyi")]}
    assert "tocsin/__init__.pyi" in stubs
    assert stubs <= names
    for needed in (
        "cli.py",
        "__main__.py",
        "py.typed",
        "configs/train.yaml",
        "models/weights/tocsin-s.onnx",
        UNIT,
        PAGE,
        MAPPING,
    ):
        assert f"tocsin/{needed}" in names
    experiments = {f"tocsin/{path.relative_to(ROOT)}" for path in (ROOT / "configs").rglob("*.yaml")}
    assert experiments <= names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"tocsin"}
    assert not any(
        name.startswith(("tocsin/tests", "tocsin/benchmarks", "tocsin/docs", "tocsin/examples")) for name in names
    )


def test_wheel_runs_outside_the_checkout(wheel_python, tmp_path):
    command = [wheel_python, "-m", "tocsin", "demo", "--seed", "3", "--out", "demo", "--format", "json"]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(result.stdout)["gunfire"] == 4
    assert "<svg" in (tmp_path / "demo/demo.html").read_text()


def test_a_file_is_classified_from_the_wheel(wheel_python, sounds):
    code = "import tocsin; print(tocsin.load_model().classify('x.wav')); print(tocsin.__file__)"
    said = subprocess.check_output([wheel_python, "-c", code], text=True, cwd=sounds).splitlines()
    assert said[0].startswith("x.wav: gunshot 0.")
    assert Path(said[1]).is_relative_to(wheel_python.parents[1])


def test_a_user_s_script_is_strictly_typed_against_the_wheel(wheel_python, tmp_path):
    (tmp_path / "script.py").write_text(USER_SCRIPT)
    (tmp_path / "wrong.py").write_text("import tocsin\n\nanswer: int = tocsin.load_model().classify('x.wav')\n")
    check = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    check += ["--python-executable", wheel_python]
    options = {"check": False, "capture_output": True, "text": True, "cwd": tmp_path}
    right = subprocess.run([*check, "script.py"], **options)
    assert (right.returncode, right.stdout) == (0, "Success: no issues found in 1 source file\n")
    wrong = subprocess.run([*check, "wrong.py"], **options)
    assert "Classification" in wrong.stdout
    assert wrong.returncode == 1


def test_sdist_holds_licence_readme_and_weights(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "cli.py", "models/weights/tocsin-s.onnx"} <= names


@pytest.mark.parametrize("verb", ["train", "export"])
def test_a_missing_extra_is_named_with_its_remedy(verb):
    code = (
        f"import sys; sys.modules['torch'] = None; sys.argv = ['tocsin', '{verb}']; from tocsin import cli; cli.main()"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == f'tocsin: `tocsin {verb}` needs torch: type pip install "tocsin[train]"\n'
