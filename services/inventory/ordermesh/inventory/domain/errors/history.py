"""History that cannot be read as it is asked for."""

from typing import ClassVar

from ordermesh.kernel.errors import RuleViolated


class RevisionNotSealed(RuleViolated):
    """The revision is not sealed yet, so what it contains is not settled."""

    reason: ClassVar[str] = "REVISION_NOT_SEALED"

    def __init__(self, revision: int, sealed_revision: int) -> None:
        super().__init__(
            f"Revision {revision} is not sealed yet.", {"sealedRevision": sealed_revision}
        )
