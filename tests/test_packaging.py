"""The package list, the light imports and the import rule, each checked against what is really there."""

import subprocess
import sys
import tomllib
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
