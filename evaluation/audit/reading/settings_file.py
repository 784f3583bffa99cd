"""``audit.yaml`` read, on top of a mapping that Tocsin brings where it names one; what does not fit, in a sentence."""

import difflib
import importlib
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tocsin import TocsinError
from tocsin.evaluation.audit.reading.settings import Area, AreaTable, Cost, CostTable, Settings

FILE = "audit.yaml"
TABLE_ENDINGS = (".csv", ".parquet", ".pq")
_MAPPINGS = Path(__file__).parents[1] / "mappings"
_TABLES = ("alerts", "calls", "shootings", "outcomes", "units")
_LEAST_LIKENESS = 0.6


def mapping_names() -> list[str]:
    """Names of the mappings of public exports that Tocsin brings."""
    return sorted(path.stem for path in _MAPPINGS.glob("*.yaml"))


def read_settings(path: Path, mapping: str | None = None) -> tuple[Settings, Path]:
    """Settings of an audit and the folder its tables are in.

    Args:
        path: ``audit.yaml``, or the folder it is in; with ``mapping``, a folder that needs none, or a table in it.
        mapping: a name of :func:`mapping_names`, as the key ``mapping`` of the file.

    Raises:
        TocsinError: there is no such file or mapping, it is not YAML, or a key or value does not fit.
    """
    file = path / FILE if path.is_dir() else path
    is_table = path.suffix.lower() in TABLE_ENDINGS
    if mapping is not None and (is_table or (path.is_dir() and not file.is_file())):
        own: dict[str, Any] = {}
    else:
        own = _read(file)
    name = mapping if mapping is not None else own.get("mapping")
    base = {} if name is None else _read_mapping(str(name))
    merged = _merged(base, own)
    for table in _TABLES:
        if isinstance(merged.get(table), dict):
            merged[table] = [merged[table]]
    try:
        return Settings(**merged), file.parent
    except ValidationError as error:
        where = file if own else f"mapping {name}"
        raise TocsinError(_sentence(str(where), merged, error)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise TocsinError('`tocsin audit` needs PyYAML: type `pip install "tocsin[analysis]"`') from error
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise TocsinError(f"there is no {file}: `tocsin audit init TABLE…` writes one from your tables") from None
    except OSError as error:
        raise TocsinError(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise TocsinError(f"{file}{line} is not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(content, dict):
        raise TocsinError(f"{file} holds no keys: expected lines such as `time_zone: America/New_York`")
    return {str(key): value for key, value in content.items()}


def _read_mapping(name: str) -> dict[str, Any]:
    names = mapping_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f": did you mean {near[0]}?" if near else f": expected one of {', '.join(names)}"
        raise TocsinError(f"there is no mapping {name}{meant}")
    return _read(_MAPPINGS / f"{name}.yaml")


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The base with what the own says instead, key by key in sections."""
    merged = dict(base)
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _sentence(where: str, settings: dict[str, Any], error: ValidationError) -> str:
    """The first fault in words. Of a value that may be two things, the one that fits its look is said."""
    first = min(error.errors(), key=lambda details: _unlikely(details, settings))
    keys = [key for key in first["loc"] if not (isinstance(key, str) and key in _BRANCHES)]
    *sections, last = keys or [""]
    place = ", ".join([where, *(f"no. {key + 1}" if isinstance(key, int) else str(key) for key in sections)])
    if first["type"] == "extra_forbidden":
        known = _known(sections)
        near = difflib.get_close_matches(str(last), known, n=1, cutoff=_LEAST_LIKENESS)
        meant = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        return f"{place}: the key {last} is not known: {meant}"
    if first["type"] == "missing":
        return f"{place}: the key {last} is missing{_EXAMPLES.get(str(last), '')}"
    if "[key]" in keys:
        expected = first["msg"].removeprefix("Input should be ")
        return f"{where}, {', '.join(str(key) for key in keys[:-2])}: {keys[-2]} is none of {expected}"
    given = str(first["input"])
    return f"{place}: the value of {last} does not fit: {_lowered(first['msg'])}, found {given[:60]}"


_BRANCHES = {model.__name__ for model in (Area, AreaTable, Cost, CostTable)} | {
    *("list[Area]", "list[Cost]", "dict[union[str,str],literal['fatal','injury','damage','casings']]")
}
_EXAMPLES = {
    "time_zone": ": write the zone of your tables, such as `time_zone: America/New_York`",
    "file": ": write the name of its file, such as `file: alerts.csv`",
}


def _unlikely(details: ErrorDetails, settings: dict[str, Any]) -> int:
    """More for a fault of the branch that is not meant: of a table where a list is written, or the other way."""
    key, *rest = details["loc"]
    # A key that is missing is most likely one that is misspelt.
    missing = int(details["type"] == "missing")
    if key not in ("areas", "costs") or not rest:
        return missing
    is_list = isinstance(settings.get(str(key)), list)
    return missing + 2 * int(str(rest[0]).startswith("list") != is_list)


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].removesuffix(".")


def _known(sections: list[Any]) -> list[str]:
    """Keys of the section that these keys lead to."""
    model: type[BaseModel] = Settings
    for number, section in enumerate(sections):
        if isinstance(section, int):
            continue
        is_list = number + 1 < len(sections) and isinstance(sections[number + 1], int)
        model = _model_in(model.model_fields[section].annotation, is_list) or model
    return list(model.model_fields)


def _model_in(annotation: Any, is_list: bool) -> type[BaseModel] | None:
    """The model that an annotation names, inside of a list or not, where it may be either."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    models = {get_origin(choice) is list: (get_args(choice) or (choice,))[0] for choice in choices}
    found = models.get(is_list, next(iter(models.values())))
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None
