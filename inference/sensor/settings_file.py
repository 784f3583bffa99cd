"""The file of a sensor: read, with what the environment changes of it; and written anew, with comments."""

import difflib
import json
import os
import textwrap
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tocsin import TocsinError
from tocsin.inference.sensor.settings import Section, Settings

PREFIX, BETWEEN = "TOCSIN_", "__"
_LEAST_LIKENESS = 0.6
_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "model": "a section, with a key a line",
    "path": "a path",
    "string_type": "a text",
    "tuple": "sections that begin with [[sensors]]",
}
_HEAD = f"""\
# Settings of a Tocsin sensor, for `tocsin listen`. Lines that begin with # are not read: what they show is an example,
# or what holds anyway. Each can also be set by a variable of the environment, which goes before this file:
# {PREFIX}SENSOR{BETWEEN}ID=roof-1, {PREFIX}BROKER{BETWEEN}URL=mqtts://broker.example.org
"""


def read_settings(path: Path | None) -> Settings:
    """Settings of a TOML file, less what variables ``TOCSIN_SECTION__KEY`` of the environment say instead.

    Args:
        path: the file; None where the environment says all.

    Raises:
        TocsinError: the file cannot be read; a key or a value does not fit, named with the nearest that would;
            pydantic-settings is not installed.
    """
    try:
        from pydantic_settings import (
            BaseSettings,
            PydanticBaseSettingsSource,
            SettingsConfigDict,
            SettingsError,
            TomlConfigSettingsSource,
        )
    except ModuleNotFoundError as error:
        raise TocsinError(f'`tocsin listen` needs {error.name}: type pip install "tocsin[sensor]"') from None

    class Reader(Settings, BaseSettings):
        """Settings that read the environment and a file."""

        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=BETWEEN)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (env_settings, TomlConfigSettingsSource(settings_cls, path)) if path else (env_settings,)

    _refuse_unknown_variables()
    if path is not None and not path.is_file():
        raise TocsinError(f"there is no settings file {path}: `tocsin listen --init` writes one with comments")
    try:
        read = Reader()
    except ValidationError as error:
        raise TocsinError(_sentence(path, error.errors()[0])) from None
    except SettingsError as error:
        raise TocsinError(f"environment: {error}, where JSON was expected") from None
    except tomllib.TOMLDecodeError as error:
        raise TocsinError(f"{path} is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise TocsinError(f"{path} is not TOML: it is no text in UTF-8") from None
    except RecursionError:
        raise TocsinError(f"{path} is nested too deeply for settings") from None
    except OSError as error:
        raise TocsinError(f"{path}: cannot read the settings ({error.strerror})") from None
    return Settings(**{name: getattr(read, name) for name in Settings.model_fields})


def init_text() -> str:
    """A settings file with every key, commented. Once its sensor has an id and a position it gives the defaults."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        section = _section_of(field)
        if name == "sensors":
            lines = _comment(f"For several channels, {field.description}:")
            lines += [f"# [[{name}]]", *(f"# {key} = {_example(of_key)}" for key, of_key in _shown(section))]
        else:
            lines = [*_comment(section.__doc__ or ""), f"[{name}]"]
            for key, of_key in section.model_fields.items():
                lines += ["", *_comment(of_key.description or ""), _line(key, of_key)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _shown(section: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(key, field) for key, field in section.model_fields.items() if key in ("id", "channel", "x_m", "y_m")]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 116, initial_indent="# ", subsequent_indent="# ")


def _line(key: str, field: FieldInfo) -> str:
    if field.is_required():
        return f'{key} = ""'  # which nobody may leave so
    if field.default is None:
        return f"# {key} = {_example(field)}"
    return f"{key} = {_toml(field.default)}"


def _example(field: FieldInfo) -> str:
    return _toml((field.examples or [field.default])[0])


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    # A basic string of TOML is one of JSON, and so are its numbers and truths.
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _section_of(field: FieldInfo) -> type[BaseModel]:
    """The section that a field of Settings holds: itself, or None, or many of it."""
    kinds = [field.annotation, *get_args(field.annotation)]
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section))


def _refuse_unknown_variables() -> None:
    """Of a section that there is not no source would say anything; unknown keys of a section the section refuses."""
    for variable in os.environ:
        section, between, _ = variable.removeprefix(PREFIX).lower().partition(BETWEEN)
        if variable.startswith(PREFIX) and between and section not in Settings.model_fields:
            raise TocsinError(f"environment variable {variable}: {_unknown((section,))}")


def _sentence(path: Path | None, error: ErrorDetails) -> str:
    """One sentence of the first thing that is wrong, which never tells a secret."""
    keys = error["loc"]
    words = [str(key) for key in keys if isinstance(key, str)]
    variable = PREFIX + BETWEEN.join(words).upper()
    from_environment = [name for name in os.environ if name.upper() == variable]
    where = f"environment variable {from_environment[0]}" if from_environment else str(path or "environment")
    if error["type"] == "extra_forbidden":
        return f"{where}: {_unknown(tuple(words))}"
    name = _name_of(keys)
    if error["type"] == "missing":
        return f"{where}: {name} is missing: {_field_of(words).description}"
    if error["type"] == "value_error" and error["ctx"].get("error") and _holds_many(words):
        return f"{where}{f', {name}' if name else ''}: {error['ctx']['error']}"
    if error["type"] == "value_error" and not error["input"]:
        return f"{where}, {name}: {error['ctx']['error']}"
    given = f" {error['input']!r}" if _is_telling(words) else ""
    return f"{where}, {name}: the value{given} does not fit: {_expected(error)}"


def _name_of(keys: tuple[int | str, ...]) -> str:
    """As it stands in the file: ``[broker] url``, ``[[sensors]] 2 id``."""
    if not keys:
        return ""
    head = f"[[{keys[0]}]]" if keys[0] == "sensors" else f"[{keys[0]}]"
    return " ".join([head, *(str(key + 1) if isinstance(key, int) else key for key in keys[1:])])


def _unknown(words: tuple[str, ...]) -> str:
    """Says that a key is not known and which was meant: the same of another section, else the nearest of its own."""
    *sections, key = words
    fields = Settings.model_fields
    known = _section_of(fields[sections[0]]).model_fields if sections else fields
    near = difflib.get_close_matches(key, known, n=1, cutoff=_LEAST_LIKENESS)
    homes = [name for name, field in fields.items() if key in _section_of(field).model_fields]
    if sections:
        what, names = f"[{sections[0]}] has no key {_on_a_line(key)}", list(known)
    else:
        what, names = f"there is no section [{_on_a_line(key)}]", [f"[{name}]" for name in known]
    if homes:
        return f"{what}: did you mean {key} of [{homes[0]}]?"
    if near:
        return f"{what}: did you mean {names[list(known).index(near[0])]}?"
    return f"{what}: it has {', '.join(names)}"


def _on_a_line(key: str) -> str:
    """As it stands, unless it would break the line or move the cursor."""
    return key if key.isprintable() else repr(key)[1:-1]


def _field_of(words: list[str]) -> FieldInfo:
    field = Settings.model_fields[words[0]]
    return _section_of(field).model_fields[words[1]] if len(words) > 1 else field


def _holds_many(words: list[str]) -> bool:
    """Whether this is a section, or all of them, rather than one value."""
    return len(words) < 2


def _is_telling(words: list[str]) -> bool:
    """Whether a value may be shown: no secret, no url (somebody may have written a password into it), no section."""
    kind = _field_of(words).annotation
    return not _holds_many(words) and SecretStr not in (kind, *get_args(kind)) and words[-1] != "url"


def _expected(error: ErrorDetails) -> str:
    """What pydantic expected, in words: it says "Input should be a valid number, unable to parse …" and the like."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    for kind, words in _EXPECTED.items():
        if error["type"].startswith(kind):
            return f"expected {words}"
    reason = error["msg"].partition(", ")[0]
    for start in ("Input should be ", "String should have "):
        reason = reason.removeprefix(start)
    return f"expected {'a number ' if reason.startswith(('greater', 'less')) else ''}{reason}"
