"""TOML tables into frozen dataclasses: an unknown key, a missing key or a value of the wrong type is an error."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cutaway.errors import DataError


def parse(kind: Any, value: Any, key: str = "") -> Any:
    """Return ``value``, as TOML or JSON gives it, as ``kind``.

    A kind is a dataclass, ``tuple[X, ...]``, ``Sequence[X]``, ``Mapping[str, X]``, ``X | None``, a ``Literal``,
    ``Any`` or a plain type.

    Raises:
        DataError: It is none; the message names the key, which begins with ``key``.
    """
    if is_dataclass(kind):
        return _parse_table(kind, value, key)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (tuple, Sequence) and isinstance(value, list | tuple):
        return _parse_list(inner, value, key)
    if origin is Mapping and isinstance(value, Mapping):
        return {name: parse(inner[1], item, _join(key, name)) for name, item in value.items()}
    if origin is UnionType and NoneType in inner:
        return None if value is None else parse(inner[0], value, key)
    if kind is float and type(value) is int:
        return float(value)
    if kind is Any or (origin is Literal and value in inner) or type(value) is kind:
        return value
    raise DataError(f"{key} is {value!r}; it has to be {_describe(kind)}")


def table_hints(kind: Any, value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the type of each field of the dataclass ``kind``.

    Raises:
        DataError: ``value`` has a key that is no field.
    """
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise DataError(f"{_place(key)} has no key {', '.join(unknown)}; it knows {', '.join(hints)}")
    return hints


def _parse_table(kind: Any, value: Any, key: str) -> Any:
    if not isinstance(value, Mapping):
        raise DataError(f"{key} is {value!r}; it has to be a table with {', '.join(get_type_hints(kind))}")
    hints = table_hints(kind, value, key)
    missing = [field.name for field in fields(kind) if field.name not in value and _is_required(field)]
    if missing:
        raise DataError(f"{_place(key)} lacks {', '.join(missing)}")
    parsed = {name: parse(hints[name], item, _join(key, name)) for name, item in value.items()}
    try:
        return kind(**parsed)
    except ValueError as error:
        raise DataError(f"{_place(key)}: {error}") from error


def _parse_list(inner: tuple[Any, ...], value: Sequence[Any], key: str) -> tuple[Any, ...]:
    """Return the parsed items; ``inner`` is what stands in the brackets of ``tuple[...]`` or ``Sequence[...]``."""
    kinds = inner if len(inner) > 1 and inner[-1] is not ... else inner[:1] * len(value)
    if len(kinds) != len(value):
        raise DataError(f"{key} holds {len(value)} values; it has to hold {len(kinds)}")
    return tuple(
        parse(kind, item, f"{key}[{place}]") for place, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _describe(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (tuple, Sequence):
        return f"a list of {_describe(inner[0])}"
    if origin is Mapping:
        return "a table"
    names = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(kind, str(kind))


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _place(key: str) -> str:
    return f"[{key}]" if key else "the file"
