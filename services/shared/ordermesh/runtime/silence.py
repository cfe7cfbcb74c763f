"""Connections to PostgreSQL on which nothing is heard any more, and how they are given up.

The server ends what takes it too long, and says so. Where a firewall has forgotten a connection, or
its other end is gone, nobody says anything: whoever asks waits for ever. So each question has a
limit here too, a little longer than the server's own, and what is silent then is ended at this end.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordermesh.runtime.engines import lost

FAREWELL_SECONDS = 2.0
"""So long connections have to end in good manners."""

_MADE = "made in the time of"


class Silence:
    """Notices silent connections of a database, and ends them."""

    def __init__(self, engines: Iterable[AsyncEngine]) -> None:
        self._drivers: WeakSet[Any] = WeakSet()
        self._count = 0  # how often silence was noticed
        for engine in engines:
            event.listen(engine.sync_engine, "connect", self._note)
            event.listen(engine.sync_engine, "checkout", self._refuse_suspect)
            event.listen(engine.sync_engine, "handle_error", self._hear)

    @asynccontextmanager
    async def noticed(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A block in which a question that gets no answer ends the connection.

        Raises ``ConnectionLost`` then.
        """
        try:
            yield
        except TimeoutError as error:
            if not connection.invalidated:
                # The driver was asked past SQLAlchemy.
                raw = await connection.get_raw_connection()
                self.end(raw.driver_connection)
                await connection.invalidate()
            raise lost() from error

    def end(self, driver: Any) -> None:
        """End a connection that is silent; others as old are not trusted either."""
        self._count += 1
        driver.terminate()

    async def outlast(self, farewell: "asyncio.Future[Any]") -> None:
        """Wait for the end of what is closed; connections that keep it from that are ended."""
        await asyncio.wait([farewell], timeout=FAREWELL_SECONDS)
        while not farewell.done():
            for driver in list(self._drivers):
                driver.terminate()
            # Who waited for one of them may take another.
            await asyncio.wait([farewell], timeout=FAREWELL_SECONDS)
        await farewell

    def _note(self, adapted: Any, record: Any) -> None:
        self._drivers.add(adapted.driver_connection)
        record.info[_MADE] = self._count

    def _hear(self, met: ExceptionContext) -> None:
        """End a silent connection before SQLAlchemy does, which says goodbye to it for long."""
        connection = met.connection
        if isinstance(met.original_exception, TimeoutError) and connection is not None:
            self.end(connection.connection.driver_connection)

    def _refuse_suspect(self, adapted: Any, record: Any, _: Any) -> None:
        """Have the pool make another connection where silence was noticed since one was made.

        What silences one silences its neighbours, and each would keep somebody waiting.
        """
        if record.info.get(_MADE) != self._count:
            adapted.driver_connection.terminate()
            raise DisconnectionError
