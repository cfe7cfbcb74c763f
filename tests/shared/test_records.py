"""Records are frozen dataclasses in everything but the time that they take to be made."""

import inspect
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from ordermesh.kernel.records import record


@record
class Parcel:
    """With and without defaults, and a check."""

    weight_grams: int
    label: str = "none"
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.weight_grams < 0:
            raise ValueError(f"A weight below zero: {self}.")


@dataclass(frozen=True)
class Crate(Parcel):
    """A dataclass that is derived from a record."""

    slats: int = 8


def test_it_has_its_fields_and_their_defaults() -> None:
    parcel = Parcel(10, parts=("a",))

    assert (parcel.weight_grams, parcel.label, parcel.parts) == (10, "none", ("a",))
    assert [one.name for one in fields(Parcel)] == ["weight_grams", "label", "parts"]
    assert repr(parcel) == "Parcel(weight_grams=10, label='none', parts=('a',))"
    assert list(inspect.signature(Parcel).parameters) == ["weight_grams", "label", "parts"]


def test_equal_fields_are_equal_records_with_one_hash() -> None:
    assert Parcel(1, "x") == Parcel(1, "x")
    assert hash(Parcel(1, "x")) == hash(Parcel(1, "x"))
    assert Parcel(1, "x") != Parcel(1, "y")


def test_nothing_can_be_changed_or_taken_away() -> None:
    parcel = Parcel(1)

    with pytest.raises(FrozenInstanceError):
        parcel.label = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del parcel.label
    assert parcel == Parcel(1)


def test_a_copy_with_other_values_is_checked_like_a_new_one() -> None:
    assert replace(Parcel(1), label="x") == Parcel(1, "x")
    with pytest.raises(ValueError, match="below zero"):
        replace(Parcel(1), weight_grams=-1)
    with pytest.raises(ValueError, match="below zero"):
        Parcel(-1)


def test_what_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(TypeError):
        Parcel()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Parcel(1, colour="red")  # type: ignore[call-arg]


def test_a_dataclass_may_be_derived_from_it() -> None:
    crate = Crate(5, slats=3)

    assert (crate.weight_grams, crate.label, crate.slats) == (5, "none", 3)
    assert crate != Parcel(5)


def test_what_it_cannot_make_is_refused_when_it_is_declared() -> None:
    with pytest.raises(TypeError, match="parts is made by a factory"):

        @record
        class Made:
            parts: list[str] = field(default_factory=list)

    with pytest.raises(TypeError, match="count is made by a factory, or is not given"):

        @record
        class Left:
            count: int = field(init=False)

    with pytest.raises(TypeError, match="slots"):

        @record
        class Slotted:
            __slots__ = ("count",)
            count: int
