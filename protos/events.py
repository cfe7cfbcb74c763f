"""The table of all events, read from the comments of the contracts: `EVENTS.md`.

A message is the payload of an event when its comment names a type, as in "Event type
`ordermesh.order.sourced.v1`."; the comment of its file, or of itself, names the kind of thing that
it is about.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

_TYPE = re.compile(r"Event type\s+`([^`]+)`")
_ABOUT = re.compile(r"aggregate\s+`([^`]+)`")
_HEAD = """# Events

What the services tell, on their feeds (`EventService.WatchEvents`) and to each other. Each is an
[`EventEnvelope`](event/v1/event_pb2.pyi) with the attributes of a CloudEvent; its `payload` is the
message named here, serialized. Events of one thing are numbered 1, 2, 3 ... and come in that order.

This page is generated from the contracts.

"""


@dataclass(frozen=True)
class EventRow:
    """One type of event; ``fields`` are names, types and comments of its payload."""

    type: str
    service: str
    about: str
    payload: str
    says: str
    fields: tuple[tuple[str, str, str], ...]


def events_of(files: FileDescriptorSet) -> list[EventRow]:
    """The events of these contracts, by service and place. Their source info is needed."""
    rows = [row for file in files.file for row in _events_of_file(file)]
    return sorted(rows, key=lambda row: row.service)


def events_page(files: FileDescriptorSet) -> str:
    """The table of all events, and each with its fields."""
    rows = events_of(files)
    lines = [_HEAD, "| type | told by | about | it says |", "| --- | --- | --- | --- |"]
    lines += [
        f"| [`{row.type}`](#{_anchor(row.type)}) | {row.service} | {row.about} | {row.says} |"
        for row in rows
    ]
    for row in rows:
        lines += ["", f"## {row.type}", "", f"{row.says} Payload: `{row.payload}`.", ""]
        lines += ["| field | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | `{kind}` | {words} |" for name, kind, words in row.fields]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _events_of_file(file: FileDescriptorProto) -> Iterator[EventRow]:
    comments = {
        tuple(place.path): _line(place.leading_comments) for place in file.source_code_info.location
    }
    about_file = " ".join(
        _line(text)
        for place in file.source_code_info.location
        if tuple(place.path) == (12,)
        for text in place.leading_detached_comments or [place.leading_comments]
    )
    for number, message in enumerate(file.message_type):
        words = comments.get((4, number), "")
        found = _TYPE.search(words)
        if found is None:
            continue
        about = _ABOUT.search(words) or _ABOUT.search(about_file)
        yield EventRow(
            type=found.group(1),
            service=file.package.split(".")[2],
            about=about.group(1) if about else "",
            payload=f"{file.package}.{message.name}",
            says=_says(words, message.name),
            fields=tuple(_fields(message, number, comments)),
        )


def _fields(
    message: DescriptorProto, number: int, comments: dict[tuple[int, ...], str]
) -> Iterator[tuple[str, str, str]]:
    for place, field in enumerate(message.field):
        yield field.name, _kind(field), comments.get((4, number, 2, place), "")


def _kind(field: FieldDescriptorProto) -> str:
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = field.type_name.lstrip(".") or scalar
    is_list = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"repeated {name}" if is_list else name


def _says(words: str, name: str) -> str:
    """The first sentence, without the name of the message before it."""
    sentence = words.removeprefix(f"{name}:").strip().split(" Event type")[0]
    return sentence[:1].upper() + sentence[1:]


def _line(comment: str) -> str:
    return " ".join(comment.split())


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", heading.lower())
