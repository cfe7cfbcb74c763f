"""One text for one value: what is hashed, so that equal things have equal names everywhere."""

import json
from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """A dataclass of this domain, or a tuple of such, as plain dictionaries and lists."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    names = _NAMES.get(type(value))
    if names is None:
        if not is_dataclass(value):
            return value
        names = _NAMES[type(value)] = tuple(field.name for field in fields(value))
    return {name: plain(getattr(value, name)) for name in names}


_NAMES: dict[type, tuple[str, ...]] = {}


def written(value: object) -> str:
    """Plain dictionaries, lists, numbers and text as JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
