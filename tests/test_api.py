"""The public names: as many in ``__all__`` as in the stubs and in the documentation, light, explained and typed."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["tocsin", *(f"tocsin.{path.parent.name}" for path in sorted(ROOT.glob("[!.]*/__init__.pyi")))]
NAMES = [f"{package}.{name}" for package in PACKAGES for name in importlib.import_module(package).__all__]


def stub_names(package):
    """Names that the stub of a package imports or defines, those of Python itself left out."""
    folder = ROOT.joinpath(*package.split(".")[1:])
    names = set()
    for node in ast.parse((folder / "__init__.pyi").read_text()).body:
        if isinstance(node, ast.ImportFrom):
            # Type checkers take a name for public only where it is named twice.
            assert all(alias.asname == alias.name for alias in node.names)
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
    return names


def documented_names(package):
    """Names in the first column of the package's table in ``docs/api.md``."""
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    section = page.partition(f"### `{package}`\n")[2].partition("\n### ")[0]
    return [name for row in re.findall(r"^\|(.*?)\|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_those_of_stub_and_documentation(package):
    names = importlib.import_module(package).__all__
    assert len(names) == len(set(names))
    assert set(names) == stub_names(package)
    assert sorted(documented_names(package)) == sorted(names)
    assert set(names) <= set(dir(importlib.import_module(package)))


@pytest.mark.parametrize("package", PACKAGES[1:])
def test_no_public_name_is_that_of_a_module(package):
    # Else whether the name is the one or the other would depend on what was imported before.
    folder = importlib.import_module(package)
    assert not {module.name for module in pkgutil.iter_modules(folder.__path__)} & set(folder.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_explained_and_typed(name):
    package, _, last = name.rpartition(".")
    thing = getattr(importlib.import_module(package), last)
    if not callable(thing):
        assert inspect.ismodule(thing) or last == "CLASSES"
        return
    assert inspect.getdoc(thing)
    assert thing.__module__.startswith("tocsin")
    functions = [thing]
    if inspect.isclass(thing):
        own = [value for key, value in vars(thing).items() if not key.startswith("_")]
        functions = [getattr(value, "__func__", value) for value in own]
        functions = [getattr(value, "fget", None) or getattr(value, "func", value) for value in functions]
        functions = list(filter(inspect.isfunction, functions))
    for function in functions:
        assert inspect.getdoc(function), function
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, function
        untyped = [item.name for item in signature.parameters.values() if item.annotation is inspect.Parameter.empty]
        assert set(untyped) <= {"self", "cls"}, function


def test_import_loads_no_library_and_a_name_only_what_it_needs():
    heavy = {"numpy", "scipy", "pydantic", "onnxruntime", "torch", "pandas", "soundfile", "typer"}
    loaded = subprocess.check_output([sys.executable, "-c", "import tocsin, sys; print(*sys.modules)"], text=True)
    assert not heavy & set(loaded.split())
    code = "import tocsin, sys; tocsin.load_model; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert heavy & set(loaded.split()) == {"numpy", "pydantic", "onnxruntime", "soundfile"}


def test_a_name_that_does_not_exist_is_an_attribute_error():
    import tocsin

    with pytest.raises(AttributeError, match="clasify"):
        _ = tocsin.clasify


def test_python_m_tocsin_is_the_command():
    command = [sys.executable, "-m", "tocsin", "--version"]
    assert subprocess.check_output(command, text=True).startswith("tocsin ")
    wrong = subprocess.run([sys.executable, "-m", "tocsin", "hear"], check=False, capture_output=True, text=True)
    assert wrong.returncode == 2
