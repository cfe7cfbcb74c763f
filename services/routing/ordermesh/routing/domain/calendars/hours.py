"""Opening hours in the wall clock of a place: spans by weekday, and days that are different."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ordermesh.routing.domain.errors.requests import FieldViolation

MINUTES_PER_DAY = 1440
DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of a day in minutes since midnight; ``close_minute`` is the first one outside."""

    open_minute: int
    close_minute: int


WHOLE_DAY = (Span(0, MINUTES_PER_DAY),)


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A day that differs from its week: other spans, or none when it is closed."""

    day: date
    spans: tuple[Span, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a place is open.

    ``week`` has the spans of Monday to Sunday; None means always. ``holidays`` are closed, unless
    an exception says otherwise; an exception outranks both. All of it is sorted.
    """

    week: tuple[tuple[Span, ...], ...] | None = None
    holidays: frozenset[date] = frozenset()
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    @property
    def is_always(self) -> bool:
        """Whether it never closes."""
        return self.week is None and not self.holidays and not self.exceptions

    def spans(self, day: date) -> tuple[Span, ...]:
        """The spans of a day, the earliest first."""
        special = self.exceptions.get(day)
        if special is not None:
            return special
        if day in self.holidays:
            return ()
        return WHOLE_DAY if self.week is None else self.week[day.weekday()]

    def is_shut(self, day: date) -> bool:
        """Whether the day is closed as an exception: nobody is there to hand anything over."""
        special = self.exceptions.get(day)
        return not special if special is not None else day in self.holidays


ALWAYS = Hours()


def sorted_spans(field_name: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans of one day in order; those that touch become one.

    Raises ``FieldViolation`` for one that ends before it begins or overlaps another.
    """
    together: list[Span] = []
    for span in sorted(spans):
        if span.close_minute <= span.open_minute or span.open_minute < 0:
            sentence = "Hours end after they begin."
            raise FieldViolation(field_name, "hours.ascending", sentence)
        if span.close_minute > MINUTES_PER_DAY:
            sentence = "Hours beyond midnight belong to the next day."
            raise FieldViolation(field_name, "hours.day", sentence)
        if together and span.open_minute < together[-1].close_minute:
            raise FieldViolation(field_name, "hours.overlap", "Hours of one day do not overlap.")
        if together and span.open_minute == together[-1].close_minute:
            together[-1] = Span(together[-1].open_minute, span.close_minute)
        else:
            together.append(span)
    return tuple(together)


def exception_days(
    field_name: str, days: Sequence[ExceptionDay]
) -> Mapping[date, tuple[Span, ...]]:
    """Exceptions by day; raises ``FieldViolation`` for a day named twice and for bad spans."""
    found: dict[date, tuple[Span, ...]] = {}
    for one in days:
        if one.day in found:
            raise FieldViolation(field_name, "hours.twice", f"{one.day} is named twice.")
        found[one.day] = sorted_spans(field_name, one.spans)
    return found
