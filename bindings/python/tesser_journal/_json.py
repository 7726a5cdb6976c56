# SPDX-License-Identifier: MIT OR Apache-2.0
"""JSON values with exact numbers.

Objects are dicts, arrays lists; integers are int, all other numbers decimal.Decimal. What Python's
values cannot hold as it was written (an object with a name twice, an exponent beyond Decimal's) is
given as JsonText, which is stored again byte for byte.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any, Callable

# A JSON value: None, bool, int, Decimal, float, str, JsonText, and lists and dicts of them. Loaded ones
# have Decimal where they have a fraction or an exponent, never float.
Json = Any


class JsonText(str):
    """JSON as text, to be stored as it is, byte for byte."""

    __slots__ = ()


class _NotExact(Exception):
    pass


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _NotExact
    return made


def _integer(text: str) -> int | Decimal:
    if text == "-0" or len(text) > 4000:  # int() refuses more than 4300 digits
        return Decimal(text)
    return int(text)


def _number(text: str) -> Decimal:
    made = Decimal(text)
    if not made.is_finite():
        raise _NotExact
    return made


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_number)


def loads(text: str) -> Json:
    """A JSON text as a value; JsonText where Python has no value that is exactly it."""
    try:
        return _decoder.decode(text)
    except (_NotExact, InvalidOperation, RecursionError, UnicodeError):
        return JsonText(text)


def dumps(value: Json) -> str:
    """A value as compact JSON text.

    Raises:
        TypeError: something in it is no JSON value, or a key is no str.
        ValueError: a number is not finite.
    """
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value: Any, write: Callable[[str], Any]) -> None:
    if isinstance(value, JsonText):
        write(value)
    elif isinstance(value, str):
        write(encode_basestring(value))
    elif value is None:
        write("null")
    elif isinstance(value, bool):
        write("true" if value else "false")
    elif isinstance(value, int):
        write(int.__repr__(value))
    elif isinstance(value, (Decimal, float)):
        write(_finite(value))
    elif isinstance(value, dict):
        _write_object(value, write)
    elif isinstance(value, (list, tuple)):
        separator = "["
        for item in value:
            write(separator)
            _write(item, write)
            separator = ","
        write("]" if value else "[]")
    else:
        raise TypeError(f"a JSON value is needed, not {type(value).__name__}")


def _write_object(value: dict[Any, Any], write: Callable[[str], Any]) -> None:
    separator = "{"
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key of a JSON object is a str, not {type(key).__name__}")
        write(separator + encode_basestring(key) + ":")
        _write(item, write)
        separator = ","
    write("}" if value else "{}")


def _finite(value: Decimal | float) -> str:
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise ValueError(f"{value} is no number in JSON")
    return str(value) if isinstance(value, Decimal) else float.__repr__(value)
