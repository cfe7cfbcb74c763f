"""Frames on a pipe between the server and a solver: a letter, a length, and so many bytes."""

import struct
from enum import Enum

_HEAD = struct.Struct(">cI")
HEAD_BYTES = _HEAD.size


class Kind(Enum):
    """What is in a frame: to the solver pieces and their end, from it all else."""

    PIECE = b"p"
    END = b"e"
    PROGRESS = b"o"
    PLAN_BEGINS = b"b"
    PLAN = b"m"
    PLAN_ENDS = b"n"
    DONE = b"d"
    REFUSED = b"r"


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(kind.value, len(payload)) + payload


def head(raw: bytes) -> tuple[Kind, int]:
    """Kind and length of the frame that these bytes begin."""
    letter, length = _HEAD.unpack(raw)
    return Kind(letter), length
