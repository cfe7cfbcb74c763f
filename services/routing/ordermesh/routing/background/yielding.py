"""Processes that solve give way to whoever answers calls, from their first moment."""

import os
from contextlib import suppress

NICENESS = 10


def give_way(process_id: int) -> None:
    """Let a process that was just started have what others leave of the processor.

    It would say so itself only after its imports, and these take seconds.
    """
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process_id, NICENESS)
