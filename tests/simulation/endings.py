"""How calls end in the simulated network that give no reply."""

from collections.abc import Sequence
from typing import Any

import grpc

_BROKEN = "The connection broke."


class Ended(Exception):
    """How a call ended that gave no reply."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing: Sequence[Any] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.details = details
        self.trailing = tuple(trailing)

    def error(self) -> grpc.aio.AioRpcError:
        """As the library raises it."""
        return grpc.aio.AioRpcError(
            self.code, grpc.aio.Metadata(), grpc.aio.Metadata(*self.trailing), details=self.details
        )


def broken() -> Ended:
    """The connection is gone: whether anything was done is not known."""
    return Ended(grpc.StatusCode.UNAVAILABLE, _BROKEN)
