"""Batches that cannot be decided."""

from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest


class BatchEmpty(InvalidRequest):
    """There is nothing to decide, or nowhere to send it from; ``what`` is missing."""

    reason: ClassVar[str] = "BATCH_EMPTY"

    def __init__(self, what: str) -> None:
        super().__init__(f"The batch has no {what}.", {"field": what})


class BatchTooLarge(InvalidRequest):
    """The batch has more of something than can be decided together."""

    reason: ClassVar[str] = "BATCH_TOO_LARGE"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(
            f"The batch has more than {limit} {what}.", {"field": what, "limit": limit}
        )
