"""The audit as a page for a person: one file that asks for nothing from elsewhere."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from ordermesh.routing.audit.report import SHOWN_ORDERS, SHOWN_REFUSALS, SHOWN_SWAPS


def render_page(figures: dict[str, Any]) -> str:
    """The page; everything that comes from files is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["amount"] = lambda value: f"{value:,.2f}"
    environment.filters["share"] = lambda value: f"{value:.2%}"
    environment.filters["count"] = lambda value: f"{value:,}"
    text = files("ordermesh.routing.audit").joinpath("page.html").read_text(encoding="utf-8")
    shown = [one for one in figures["swaps"] if len(one["orders"]) <= SHOWN_ORDERS]
    return environment.from_string(text).render(
        figures,
        shown_swaps=shown[:SHOWN_SWAPS],
        shown_refusals=figures["refused"][:SHOWN_REFUSALS],
        shown_aside=figures["set_aside"][:SHOWN_REFUSALS],
    )
