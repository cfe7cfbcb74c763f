"""Mails are safe and look right, whatever is in a name."""

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.parser import BytesParser
from uuid import UUID

import pytest
from pydantic import ValidationError

from ordermesh.notify.channels.mail import UnsafeHeader, build_mail, normal_address
from ordermesh.notify.domain.notice import Amount, Facts, NoticeKind, Parcel, Units
from ordermesh.notify.domain.recipient import Recipient, plain
from ordermesh.notify.settings import NotifySettings
from ordermesh.notify.templates.render import FSI, PDI, Renderer, locale_of, money

RENDERER = Renderer("Mugs & <more>")
SENDER = Address("The shop", addr_spec="orders@shop.example")
FACTS = Facts(
    units=(Units("MUG-7", 2),),
    missing=(Units("CUP", 1),),
    parcels=(Parcel("UPS", "1Z999"), Parcel("", "")),
    shipments=2,
    return_id="R-1",
    refund=Amount("EUR", 99_900),
)
BIDI = "\u202eevil\u2066\u200f"


def mail_of(name: str, *, kind: NoticeKind = NoticeKind.SHIPPED, order: str = "#1001") -> str:
    """The mail as bytes that a provider gets, decoded for looking at."""
    whom = Recipient("A-1", order, name, "ada@customers.example", "en")
    message = build_mail(
        RENDERER.render(kind, FACTS, whom),
        to_name=name,
        to_address="ada@customers.example",
        sender=SENDER,
        notification_id=UUID(int=7),
        date=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )
    return message.as_bytes().decode("ascii")


def parts(written: str) -> tuple[dict[str, str], str, str]:
    read = BytesParser(policy=policy.default).parsebytes(written.encode())
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    return dict(read.items()), text.get_content(), html.get_content()


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_has_a_mail_in_text_and_html(kind: NoticeKind) -> None:
    headers, text, html = parts(mail_of("Ada", kind=kind))

    assert "#1001" in headers["Subject"]
    assert "#1001" in text
    assert f"{FSI}Ada{PDI}" in text
    assert "<bdi>Ada</bdi>" in html
    assert "{{" not in text + html
    assert "{%" not in text + html
    assert "Mugs &amp; &lt;more&gt;" in html
    assert headers["Message-ID"] == "<00000000-0000-0000-0000-000000000007@shop.example>"
    assert headers["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "name",
    [
        "Ada\r\nBcc: thief@evil.example",
        "Ada\nSubject: free money",
        "Ada\0\r\n\r\n<b>body</b>",
        "Ada\u2028Bcc: thief@evil.example",
        "=?utf-8?q?Ada=0D=0ABcc=3A_thief=40evil.example?=",
        'Ada" <thief@evil.example>, "x',
        "A" * 5_000 + "\r\nBcc: x@evil.example",
    ],
)
@pytest.mark.parametrize("where", ["name", "order"])
def test_no_header_can_be_injected(name: str, where: str) -> None:
    written = mail_of(name) if where == "name" else mail_of("Ada", order=name)

    headers, _, _ = parts(written)
    assert {key.lower() for key in headers} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted",
        "x-auto-response-suppress", "mime-version", "content-type",
    }  # fmt: skip
    read = BytesParser(policy=policy.default).parsebytes(written.encode())
    assert [one.addr_spec for one in read["To"].addresses] == ["ada@customers.example"]
    assert "\nBcc:" not in written.partition("\n\n")[0]


def test_script_in_a_name_is_text() -> None:
    _, text, html = parts(mail_of("<script>alert(1)</script><img src=x onerror=alert(1)>"))

    assert "<script>" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;" in html
    assert "{{7*7}}" in parts(mail_of("{{7*7}}"))[2]
    assert "<script>" in text


def test_a_name_that_turns_text_around_turns_nothing_around() -> None:
    headers, text, html = parts(mail_of(f"Ada {BIDI}"))

    for written in (headers["To"], headers["Subject"], html):
        assert not set(written) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u200e\u200f")
    assert text.count(FSI) == text.count(PDI) == 1
    assert "Ada evil" in text


def test_a_name_from_right_to_left_stays_what_it_is() -> None:
    headers, text, html = parts(mail_of("עדה לאבלייס"))

    assert headers["To"] == "עדה לאבלייס <ada@customers.example>"
    assert f"{FSI}עדה לאבלייס{PDI}" in text
    assert "<bdi>עדה לאבלייס</bdi>" in html


def test_without_a_name_nobody_is_called_nothing() -> None:
    headers, text, html = parts(mail_of(""))

    assert headers["To"] == "ada@customers.example"
    assert text.startswith("Hello,")
    assert "<bdi></bdi>" not in html


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("  Ada\t Lovelace ", "Ada Lovelace"),
        ("Ada\u0301", "Adá"),
        (f"Ada{BIDI}", "Adaevil"),
        ("x" * 100, "x" * 79 + "…"),
        ("\ud800Ada", "Ada"),
    ],
)
def test_plain_text_is_one_short_line(given: str, expected: str) -> None:
    assert plain(given) == expected


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "ada@customers.example\r\nBcc: x@y.example", "ada@customers.example\0",
     "a@b.example, c@d.example", "Ada <ada@customers.example>", "x" * 250 + "@y.example",
     "=?utf-8?q?ada?=@customers.example", "=?utf-8?q?a=0D=0ABcc?=x@customers.example"],
)  # fmt: skip
def test_what_is_no_address_is_none(address: str) -> None:
    assert normal_address(address) is None


def test_an_address_is_written_in_its_normal_form() -> None:
    assert normal_address("Ada@CUSTOMERS.example") == "Ada@customers.example"
    assert normal_address("ada@bücher.example") == "ada@xn--bcher-kva.example"


def test_a_sender_cannot_bring_a_second_line() -> None:
    class Bad:
        domain = "shop.example"

        def __str__(self) -> str:
            return "a@shop.example\r\nBcc: x@y.example"

    rendered = RENDERER.render(NoticeKind.SHIPPED, FACTS, Recipient("A-1"))
    with pytest.raises(UnsafeHeader):
        build_mail(
            rendered,
            to_name="",
            to_address="ada@customers.example",
            sender=Bad(),  # type: ignore[arg-type]
            notification_id=UUID(int=7),
            date=datetime(2026, 3, 2, tzinfo=UTC),
        )


@pytest.mark.parametrize(
    "address", ["orders@bücher.example", "", "orders", "orders@", "a@@b", "=?utf-8?q?a?=@b.example"]
)
def test_a_sender_that_no_mail_can_be_from_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="sender_address must be"):
        NotifySettings(sender_address=address)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en-US", "€9.99"),
        ("de", "9,99\xa0€"),
        ("de-XX", "9,99\xa0€"),
        ("klingon", "€9.99"),
        ("", "€9.99"),
        ("../../etc", "€9.99"),
    ],
)
def test_amounts_are_written_as_the_language_does(language: str, written: str) -> None:
    assert money(Amount("EUR", 99_900), locale_of(language)) == written


def test_yen_have_no_digits_after_the_point_and_halves_go_to_the_even_one() -> None:
    english = locale_of("en")

    assert money(Amount("JPY", 12_345_000), english) == "¥1,234"
    assert money(Amount("JPY", 12_355_000), english) == "¥1,236"
    assert money(Amount("USD", 125), english) == "$0.01"


@pytest.mark.parametrize(
    "name",
    [
        "eve@evil.example, " + "x" * 60,
        "Ann <eve@evil.example>; " + "x" * 54,
        ":" + "x" * 70 + "q}=-/",
    ],
)
def test_a_long_name_does_not_become_other_recipients(name: str) -> None:
    read = BytesParser(policy=policy.default).parsebytes(mail_of(name).encode())

    assert [one.addr_spec for one in read["To"].addresses] == ["ada@customers.example"]
