"""Immutable records that are cheap to make.

``dataclass(frozen=True)`` sets every field through ``object.__setattr__``, because its own
assignments are refused too: a record of sixteen fields takes three microseconds, of which many are
made for each reservation. Here the fields go into the instance's dictionary, which takes one.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: C) -> C:
    """The class as a frozen dataclass, with an ``__init__`` that is written for speed.

    Fields have a default or none; raises ``TypeError`` for those that are made by a factory or left
    out of ``__init__``, and for classes with ``__slots__``.
    """
    made: Any = dataclass(frozen=True)(cls)
    if "__slots__" in vars(cls):
        raise TypeError(f"{cls.__name__} has slots.")
    made.__init__ = _initializer(fields(made), has_more=hasattr(made, "__post_init__"))
    return made  # type: ignore[no-any-return]


def _initializer(known: tuple[Field[Any], ...], *, has_more: bool) -> Callable[..., None]:
    for one in known:
        if one.default_factory is not MISSING or not one.init:
            raise TypeError(f"{one.name} is made by a factory, or is not given.")
    defaults = {f"_{one.name}": one.default for one in known if one.default is not MISSING}
    given = [f"{one.name}=_{one.name}" if f"_{one.name}" in defaults else one.name for one in known]
    lines = [f"def __init__(self, {', '.join(given)}):", " own = self.__dict__"]
    lines += [f" own[{one.name!r}] = {one.name}" for one in known]
    if has_more:
        lines.append(" self.__post_init__()")
    made: dict[str, Any] = {}
    # Written from the names of fields alone, as the standard library writes its own.
    exec("\n".join(lines), defaults, made)  # noqa: S102
    initializer: Callable[..., None] = made["__init__"]
    return initializer
