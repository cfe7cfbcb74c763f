"""Shows the work that a service has given up, and gives it a new life: for operators.

``python -m ordermesh.runtime.reviving routing`` lists what is dead and why, by kind and key.
``... routing --kind order --key A-1001`` lets it be tried again from the start, once its cause is
gone; without ``--key`` all of the kind. Rows keep their ids, so nothing is done a second time.

It reads the variables by which the service itself finds its database. On PostgreSQL the service
goes on working meanwhile; a SQLite file has one owner, so the service must be stopped first.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import claims
from ordermesh.runtime.auth import SERVICES
from ordermesh.runtime.database import Database
from ordermesh.runtime.lockfile import DatabaseInUse
from ordermesh.runtime.migrating import MigrationSettings, read, what_is_wrong
from ordermesh.runtime.settings import EXIT_CODE


async def look(database: Database) -> list[str]:
    """What is dead, a sentence each, oldest first."""
    rows = await database.read(claims.dead)
    return [
        f"{row.kind} {row.key}: dead since {row.dead_time:%Y-%m-%d %H:%M:%S} UTC after"
        f" {row.attempt} attempts. {row.failure}"
        for row in rows
    ]


async def revive(database: Database, kind: str, key: str | None) -> int:
    """Let dead rows be tried again; gives how many."""
    return await database.run(lambda tx: claims.revive(tx, kind=kind, key=key))


async def _act(settings: MigrationSettings, kind: str | None, key: str | None) -> int:
    database = await Database.open(
        settings.database_url, clock=SystemClock(), schema=settings.database_schema
    )
    try:
        if kind is None:
            found = await look(database)
            sys.stdout.write("\n".join(found or ["Nothing is dead."]) + "\n")
            return 0
        count = await revive(database, kind, key)
    finally:
        await database.close()
    sys.stdout.write(f"{count} revived\n")
    return 0 if count else 1


def run(service: str, kind: str | None, key: str | None) -> int:
    """Look, or revive where a kind is given.

    Gives the code to exit with: 0 when it was done, 1 when there was nothing to revive or the
    database could not be used, 2 when the settings are wrong.
    """
    try:
        settings = read(service)
    except ValidationError as error:
        sys.stderr.write(what_is_wrong(error, service))
        return EXIT_CODE
    try:
        return asyncio.run(_act(settings, kind, key))
    except DatabaseInUse as error:
        sys.stderr.write(f"{error} Stop {service} first: a SQLite file has one owner.\n")
        return 1
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the code to exit with."""
    parser = argparse.ArgumentParser(
        prog="python -m ordermesh.runtime.reviving",
        description="Shows the work that a service has given up, and gives it a new life.",
    )
    parser.add_argument("service", choices=sorted(SERVICES))
    parser.add_argument("--kind", help="revive work of this kind")
    parser.add_argument("--key", help="only that of this key: an order, a return, a notice")
    given = parser.parse_args(arguments)
    if given.key is not None and given.kind is None:
        parser.error("--key says nothing without --kind")
    return run(given.service, given.kind, given.key)


if __name__ == "__main__":
    sys.exit(main())
