"""Notices in words: our own templates, HTML and text, in the language's forms of numbers.

The HTML is written in MJML and compiled once, when the service starts; what is put into it at run
time is escaped. Operators' own templates never come here: these are code, and shipped with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from mjml import mjml2html

from ordermesh.kernel.money import to_decimal
from ordermesh.notify.domain.notice import Amount, Facts, NoticeKind
from ordermesh.notify.domain.recipient import Recipient, plain

LANGUAGE_DEFAULT = "en"

SUBJECTS: Mapping[NoticeKind, str] = {
    NoticeKind.ORDER_CONFIRMED: "Your order {order} is confirmed",
    NoticeKind.SHIPPED: "Your order {order} is on its way",
    NoticeKind.DELIVERED: "Your order {order} has arrived",
    NoticeKind.RETURN_RECEIVED: "We have received your return of order {order}",
    NoticeKind.REFUND_DUE: "Your refund for order {order}",
    NoticeKind.CANNOT_BE_FILLED: "We cannot send your order {order}",
}

FSI, PDI = "\u2068", "\u2069"
"""What is between them may run in its own direction and turns nothing around outside."""


@dataclass(frozen=True)
class Rendered:
    """A notice in words."""

    subject: str
    text: str
    html: str


class Renderer:
    """Puts notices into words, in the name of a shop."""

    def __init__(self, shop_name: str) -> None:
        self._shop_name = plain(shop_name)
        folder = files("ordermesh.notify.templates")
        layout = folder.joinpath("layout.mjml").read_text()
        html = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        # A text is no markup: there is nothing to escape.
        text = ImmutableSandboxedEnvironment(
            autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._html: dict[NoticeKind, Template] = {}
        self._text: dict[NoticeKind, Template] = {}
        ending = folder.joinpath("ending.txt").read_text()
        for kind in NoticeKind:
            name = kind.lower()
            body = folder.joinpath(f"{name}.mjml").read_text()
            compiled = mjml2html(layout.replace("<!-- the notice -->", body))
            self._html[kind] = html.from_string(compiled)
            words = folder.joinpath(f"{name}.txt").read_text()
            self._text[kind] = text.from_string(f"{words.rstrip()}\n\n{ending}")

    def render(self, kind: NoticeKind, facts: Facts, recipient: Recipient) -> Rendered:
        """The notice for this recipient."""
        locale = locale_of(recipient.language)
        order = plain(recipient.order_name or recipient.order_id)
        name = plain(recipient.name)
        subject = SUBJECTS[kind].format(order=order)
        words = {
            "subject": subject,
            "order": order,
            "shop": self._shop_name,
            "language": str(locale).replace("_", "-"),
            "units": [(plain(one.sku), number(one.quantity, locale)) for one in facts.units],
            "missing": [(plain(one.sku), number(one.quantity, locale)) for one in facts.missing],
            "parcels": [(plain(one.carrier), plain(one.tracking_number)) for one in facts.parcels],
            "shipments": facts.shipments,
            "return_id": plain(facts.return_id),
            "refund": money(facts.refund, locale) if facts.refund is not None else "",
        }
        isolated = f"{FSI}{name}{PDI}" if name else ""
        return Rendered(
            subject=subject,
            text=self._text[kind].render(words, name=isolated),
            html=self._html[kind].render(words, name=name),
        )


def locale_of(language: str) -> Locale:
    """The locale of a BCP 47 tag; that of the default where nobody knows it."""
    for tag in (language, language.partition("-")[0], LANGUAGE_DEFAULT):
        try:
            if tag:
                return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale(LANGUAGE_DEFAULT)


def number(quantity: int, locale: Locale) -> str:
    """A whole number as the language writes it."""
    return format_decimal(quantity, locale=locale)


def money(amount: Amount, locale: Locale) -> str:
    """An amount as the language writes it, rounded half to even to what the currency has."""
    value: Decimal = to_decimal(amount.amount)
    return format_currency(value, amount.currency_code, locale=locale)
