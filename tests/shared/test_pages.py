"""Page tokens are anybody's bytes: what no list can have made is refused as such."""

import base64
import json

import pytest
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    ListBalancesRequest,
    ListControlsRequest,
    ListItemsRequest,
    ListLocationsRequest,
    ListSourcesRequest,
    ListSuppliesRequest,
)
from ordermesh.api.routing.v1 import ListCalendarsRequest, ListPoliciesRequest
from ordermesh.runtime.pages import (
    SMALL_NUMBER_MAX,
    InvalidPageToken,
    page_token,
    place,
    place_in_numbers,
    place_in_text,
    place_in_time,
)
from ordermesh.runtime.validation import validate

LIST = ListItemsRequest()
NAME = "0192e4a0-7b7c-7000-8000-000000000001"


def token_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sealed(*parts: object) -> str:
    """A token with a good seal, as anybody can write it who has seen one."""
    seal = base64.urlsafe_b64decode(page_token(LIST)[:16])
    return token_of(seal + json.dumps(parts).encode())


def test_a_token_that_a_list_has_made_says_where_it_goes_on() -> None:
    assert place_in_text(LIST, page_token(LIST, "ä 😀")) == "ä 😀"
    assert place_in_numbers(LIST, page_token(LIST, 2**63 - 1)) == 2**63 - 1
    assert place(LIST, page_token(LIST, "a", 1), str, int) == ("a", 1)


@pytest.mark.parametrize(
    ("list_type", "parts"),
    [
        (ListItemsRequest, 1),
        (ListLocationsRequest, 1),
        (ListBalancesRequest, 2),
        (ListControlsRequest, 1),
        (ListSourcesRequest, 1),
        (ListSuppliesRequest, 1),
        (ListCalendarsRequest, 1),
        (ListPoliciesRequest, 1),
    ],
)
@pytest.mark.parametrize("letter", ["x", "ж", "倉", "😀"])
def test_the_longest_ids_in_any_script_make_a_token_that_is_let_in(
    list_type: type[Message], parts: int, letter: str
) -> None:
    token = page_token(list_type(), *[letter * 128] * parts)

    validate(list_type(page_token=token))


def test_a_token_that_is_nested_deeply_is_refused() -> None:
    token = token_of(bytes(12) + b"[" * 1_500)
    assert len(token) <= 2_048  # which the longest may have

    with pytest.raises(InvalidPageToken):
        place_in_text(ListControlsRequest(), token)


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800"])
def test_a_token_with_a_text_that_no_column_holds_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageToken):
        place_in_text(LIST, sealed(text))


@pytest.mark.parametrize("number", [2**63, -1, -(2**70)])
def test_a_token_with_a_number_that_no_column_holds_is_refused(number: int) -> None:
    with pytest.raises(InvalidPageToken):
        place_in_numbers(LIST, sealed(number))


def test_a_token_with_a_number_beyond_a_small_column_is_refused_there() -> None:
    assert place_in_numbers(LIST, sealed(SMALL_NUMBER_MAX), SMALL_NUMBER_MAX) == SMALL_NUMBER_MAX
    with pytest.raises(InvalidPageToken):
        place_in_numbers(LIST, sealed(SMALL_NUMBER_MAX + 1), SMALL_NUMBER_MAX)


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00", "2026-01-01T00:00:00+01:00", "noon"])
def test_a_token_with_a_time_that_is_no_instant_of_ours_is_refused(time: str) -> None:
    with pytest.raises(InvalidPageToken):
        place_in_time(LIST, sealed(time, NAME))
