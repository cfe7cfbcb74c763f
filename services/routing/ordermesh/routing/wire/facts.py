"""Facts that were put, and the findings of the linter."""

from collections.abc import Iterable

from ordermesh.api.routing import v1
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.linting.finding import Finding
from ordermesh.routing.domain.rules.vocabulary import PUT, Fact, Kind, PutFact, Value
from ordermesh.routing.wire.money import timestamp


def put_facts(messages: Iterable[v1.PlaceFact]) -> tuple[PutFact, ...]:
    """What is known from now on; raises ``FieldViolation`` and ``DuplicateEntry``."""
    listed = list(messages)
    seen: set[tuple[str, str, Fact]] = set()
    for message in listed:
        one = _fact(message)
        key = (one.location_id, one.sku, one.fact)
        if key in seen:
            raise DuplicateEntry("facts", f"{one.fact} of {one.sku or one.location_id}")
        seen.add(key)
    return tuple(_fact(message) for message in listed if not message.forgotten)


def forgotten_facts(messages: Iterable[v1.PlaceFact]) -> tuple[PutFact, ...]:
    """What is not known any more."""
    return tuple(_fact(message) for message in messages if message.forgotten)


def _fact(message: v1.PlaceFact) -> PutFact:
    if message.WhichOneof("fact") == "flag":
        fact = Fact(v1.FlagFact.Name(message.flag).removeprefix("FLAG_FACT_"))
        if message.value not in (0, 1):
            raise FieldViolation("facts.value", "flag", "A flag is 1 or 0.")
    else:
        fact = Fact(v1.NumberFact.Name(message.number).removeprefix("NUMBER_FACT_"))
    if fact not in PUT:
        raise FieldViolation("facts.fact", "put", f"Routing knows {fact} by itself.")
    return PutFact(message.location_id, message.sku, fact, message.value)


def fact_message(one: PutFact) -> v1.PlaceFact:
    """A fact as it is told."""
    message = v1.PlaceFact(location_id=one.location_id, sku=one.sku, value=one.value)
    if one.fact.kind is Kind.FLAG:
        message.flag = v1.FlagFact.Value(f"FLAG_FACT_{one.fact}")
    else:
        message.number = v1.NumberFact.Value(f"NUMBER_FACT_{one.fact}")
    return message


def finding_message(finding: Finding) -> v1.LintFinding:
    """A finding as it is told, with the order that shows it."""
    witness = v1.LintWitness(
        facts=[
            v1.WitnessFact(fact=fact, value=_told(fact, value))
            for fact, value in sorted(finding.witness.facts.items())
        ]
    )
    if finding.witness.at is not None:
        witness.witness_time.CopyFrom(timestamp(finding.witness.at))
    return v1.LintFinding(
        kind=v1.LintFinding.Kind.Value(f"KIND_{finding.kind}"),
        severity=v1.LintFinding.Severity.Value(f"SEVERITY_{finding.severity}"),
        subjects=finding.subjects,
        sentence=finding.sentence,
        witness=witness,
    )


def _told(fact: Fact, value: Value) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if fact.kind is Kind.FLAG:
        return "true" if value else "false"
    if fact.kind is Kind.AMOUNT:
        return f"{to_decimal(Money(value)):.2f}"
    return str(value)
