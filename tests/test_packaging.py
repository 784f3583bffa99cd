"""The package list, the light imports and the import rule, each checked against what is really there."""

import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def test_wheel_holds_what_runs_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    stubs = {f"tocsin/{path.relative_to(ROOT)}" for path in [*ROOT.glob("*.pyi"), *ROOT.glob("[!.]*/*.pyi")]}
    assert "tocsin/__init__.pyi" in stubs
    assert stubs <= names
    for needed in ("cli.py", "__main__.py", "py.typed", "configs/train.yaml", "models/weights/tocsin-s.onnx"):
        assert f"tocsin/{needed}" in names
    experiments = {f"tocsin/{path.relative_to(ROOT)}" for path in (ROOT / "configs").rglob("*.yaml")}
    assert experiments <= names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"tocsin"}
    assert not any(name.startswith(("tocsin/tests", "tocsin/benchmarks", "tocsin/docs")) for name in names)


def test_wheel_runs_outside_the_checkout(wheel_python, tmp_path):
    command = [wheel_python, "-m", "tocsin", "demo", "--seed", "3", "--out", "demo", "--format", "json"]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(result.stdout)["gunfire"] == 4
    assert "<svg" in (tmp_path / "demo/demo.html").read_text()


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
