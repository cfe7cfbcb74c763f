"""Requests: the calls that carry one id, which are tries of one thing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ordermesh.client.history.calls import Call, History, Outcome


@dataclass(frozen=True)
class Request:
    """The tries of one request, in the order in which they began; all ask for the same."""

    tries: Sequence[Call]

    @property
    def first(self) -> Call:
        """The first try, from whose beginning on it may have been done."""
        return self.tries[0]

    @property
    def may_have_happened(self) -> bool:
        """Whether one of the tries may have had the effect."""
        return any(call.may_have_happened for call in self.tries)

    @property
    def answered(self) -> Call | None:
        """The try that was the first to be answered with a reply."""
        done = [call for call in self.tries if call.outcome is Outcome.OK]
        return min(done, key=lambda call: call.end_time, default=None)

    @property
    def last_end_time(self) -> float:
        """After this instant no try of it can have an effect any more.

        That is only sure when one was answered: what was lost may still be on its way.
        """
        answered = self.answered
        return inf if answered is None else answered.end_time


def requests_of(history: History) -> list[Request]:
    """All requests of a history; a call without an id is one by itself.

    Of an id under which different things were asked, each thing is a request.
    """
    by_id: dict[tuple[str, str, str], list[list[Call]]] = defaultdict(list)
    alone: list[Request] = []
    for call in sorted(history.calls, key=lambda one: one.invoke_time):
        if not call.request_id:
            alone.append(Request([call]))
            continue
        asked = by_id[call.client, call.method, call.request_id]
        for tries in asked:
            if tries[0].request == call.request:
                tries.append(call)
                break
        else:
            asked.append([call])
    return [*alone, *(Request(tries) for asked in by_id.values() for tries in asked)]
