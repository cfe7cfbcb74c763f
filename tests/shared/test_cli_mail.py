"""The mail sink: what was sent lies in files, and nothing leaves the machine."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from ordermesh.cli.mail import MailSink, read_mail


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
async def port(folder: Path) -> AsyncIterator[int]:
    sink = MailSink(folder)
    yield await sink.start()
    await sink.stop()


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def names(folder: Path) -> list[str]:
    return [file.name for file in files(folder)]


def mail(message_id: str, subject: str = "Your order") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "orders@shop.example"
    message["To"] = "Zoë <zoe@customers.example>"
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message.set_content("It is on its way: é\n.\n.. dots\n")
    message.add_alternative("<p>It is on its way</p>", subtype="html")
    return message


async def test_each_mail_is_a_file_that_holds_all_of_it(folder: Path, port: int) -> None:
    await aiosmtplib.send(mail("<a-1@shop.example>"), hostname="127.0.0.1", port=port)
    await aiosmtplib.send(mail("<a-2@shop.example>", "Größe"), hostname="127.0.0.1", port=port)

    assert names(folder) == ["000001-a-1.eml", "000002-a-2.eml"]
    first, second = map(read_mail, files(folder))
    assert first["message_id"] == "<a-1@shop.example>"
    assert first["to"] == "Zoë <zoe@customers.example>"
    assert first["text"].splitlines() == ["It is on its way: é", ".", ".. dots"]
    assert "<p>It is on its way</p>" in first["html"]
    assert second["subject"] == "Größe"


async def test_a_mail_that_came_twice_lies_there_twice(folder: Path, port: int) -> None:
    for _ in range(2):
        await aiosmtplib.send(mail("<a-1@shop.example>"), hostname="127.0.0.1", port=port)

    assert names(folder) == [
        "000001-a-1.eml",
        "000002-a-1.eml",
    ]


async def test_numbers_go_on_after_a_restart(folder: Path) -> None:
    for _ in range(2):
        sink = MailSink(folder)
        port = await sink.start()
        await aiosmtplib.send(mail("<a@shop.example>"), hostname="127.0.0.1", port=port)
        await sink.stop()

    assert names(folder) == ["000001-a.eml", "000002-a.eml"]


@pytest.mark.parametrize(
    ("message_id", "name"),
    [
        ("<../../etc/passwd@x.example>", "000001-.._.._etc_passwd.eml"),
        ("<" + "x" * 300 + "@x.example>", f"000001-{'x' * 120}.eml"),
    ],
)
async def test_no_message_id_leads_out_of_the_folder(
    folder: Path, port: int, message_id: str, name: str
) -> None:
    await aiosmtplib.send(mail(message_id), hostname="127.0.0.1", port=port)

    assert names(folder) == [name]


async def test_many_at_once_are_all_kept(folder: Path, port: int) -> None:
    await asyncio.gather(
        *(
            aiosmtplib.send(mail(f"<m-{number}@x.example>"), hostname="127.0.0.1", port=port)
            for number in range(30)
        )
    )

    assert len({read_mail(file)["message_id"] for file in files(folder)}) == 30
