"""A connection of PostgreSQL that is kept for statements which are whole transactions.

To take a connection out of the pool, ask it for its driver and give it back costs more than a
small statement does, and such statements go one after the other anyway.
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ordermesh.runtime.engines import lost, started
from ordermesh.runtime.silence import Silence


class Sender:
    """Sends on one connection of an engine, and makes another when that is gone."""

    def __init__(self, engine: AsyncEngine, silence: Silence) -> None:
        self._engine = engine
        self._silence = silence
        self._connection: AsyncConnection | None = None
        self._driver: Any = None

    async def ready(self) -> None:
        """Have a connection. Raises ``Unavailable`` when none can be made."""
        if self._driver is not None and not self._driver.is_closed():
            return
        await self.close()
        self._connection = await started(self._engine)
        raw = await self._connection.get_raw_connection()
        self._driver = cast("Any", raw.driver_connection)

    async def send(self, text: str, arguments: Sequence[Any]) -> None:
        """Execute one statement that is a transaction of its own, after ``ready``.

        Raises ``ConnectionLost`` when it is not known whether it was executed, and the driver's
        errors, which carry the state of the server.
        """
        try:
            await self._driver.execute(text, *arguments)
        except TimeoutError as error:
            self._silence.end(self._driver)
            raise lost() from error
        except Exception as error:
            if self._driver.is_closed():
                raise lost() from error
            raise

    async def close(self) -> None:
        """Give the connection back, or up."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is None:
            return
        await connection.invalidate()
        await connection.close()
