"""What a policy must keep, and that the one a mesh begins with does."""

from dataclasses import replace

import pytest

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.checking import check
from ordermesh.routing.domain.errors.policy import UnfilledMustDominate
from ordermesh.routing.domain.network import SHIP, NetworkLocation
from ordermesh.routing.domain.policy import Policy, illustrative_policy

STORE = NetworkLocation("STORE-1", (SHIP,), 1, "USD", from_decimal("2.60"), from_decimal("1.10"), 1)


def test_the_policy_that_a_mesh_begins_with_keeps_its_own_rules() -> None:
    check(illustrative_policy(), [STORE])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(illustrative_policy(), unfilled_fixed=Money(0)), "UNFILLED_MUST_DOMINATE"),
        (replace(illustrative_policy(), unfilled_per_kg=Money(0)), "UNFILLED_MUST_DOMINATE"),
        (
            replace(
                illustrative_policy(),
                unfilled_per_unit=Money(0),
                unfilled_fixed=from_decimal("99"),
            ),
            "UNFILLED_MUST_DOMINATE",
        ),
        (replace(illustrative_policy(), parcel_grams_max=1_000), "UNFILLED_MUST_DOMINATE"),
        (
            replace(illustrative_policy(), zones=illustrative_policy().zones[::-1]),
            "ZONES_NOT_ASCENDING",
        ),
        (replace(illustrative_policy(), currency_code="EUR"), "CURRENCY_MISMATCH"),
    ],
    ids=["no penalty", "heavy goods", "many units", "small parcels", "zones", "currency"],
)
def test_a_policy_that_breaks_a_rule_is_refused(wrong: Policy, reason: str) -> None:
    with pytest.raises(DomainError) as caught:
        check(wrong, [STORE])

    assert caught.value.reason == reason


def test_the_pair_that_breaks_the_rule_is_named() -> None:
    cheap = replace(illustrative_policy(), unfilled_fixed=from_decimal("1"))

    with pytest.raises(UnfilledMustDominate) as caught:
        check(cheap, [STORE])

    assert caught.value.facts()["locationId"] == "STORE-1"
    assert float(caught.value.facts()["penalty"]) <= float(caught.value.facts()["dearest"])


def test_a_location_that_sends_nothing_does_not_matter() -> None:
    dear = replace(STORE, methods=(), pick_fee=from_decimal("1000"))

    check(illustrative_policy(), [dear])
