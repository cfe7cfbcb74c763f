"""What a file needs to be a database that loses nothing."""

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.lockfile import (
    DatabaseInUse,
    NetworkFileSystem,
    refuse_network_file_system,
)
from tests.dialects import on_sqlite
from tests.fakes import FakeClock
from tests.shared.things import THING, numbers


@on_sqlite
async def test_sqlite_is_safe_by_its_settings(database: Database) -> None:
    async def look(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [(await tx.execute(text("PRAGMA " + name))).scalar_one() for name in names]

    assert await database.run(look) == ["wal", 2, 1, 2000]
    assert await database.read(look) == ["wal", 2, 1, 2000]


@on_sqlite
async def test_a_write_holds_the_file_from_its_first_statement_on(
    things: Database, database_url: str
) -> None:
    """Else it could read, wait for the lock, and write what was decided on old numbers."""

    async def look(tx: Transaction) -> bool:
        await tx.execute(select(THING.c.number))
        path = make_url(database_url).database or ""
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as stranger:
            try:
                stranger.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    assert await things.run(look)
    assert not await things.read(look)


async def test_a_second_process_is_refused_until_the_first_is_gone(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ledger.db"
    url = f"sqlite+aiosqlite:///{path}"
    program = textwrap.dedent(
        """
        import asyncio, sys
        from ordermesh.kernel.clock import SystemClock
        from ordermesh.runtime.database import Database

        async def serve():
            await Database.open(sys.argv[1], clock=SystemClock())
            print("open", flush=True)
            await asyncio.sleep(60)

        asyncio.run(serve())
        """
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here meanwhile
        [sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"

        with pytest.raises(DatabaseInUse, match=rf"ledger\.db is in use by process {other.pid}"):
            await Database.open(url, clock=clock)
        other.kill()

    database = await Database.open(url, clock=clock)
    await database.close()


async def test_what_was_acknowledged_survives_the_end_of_the_process(
    database_url: str, clock: FakeClock
) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from sqlalchemy import text
        from ordermesh.kernel.clock import SystemClock
        from ordermesh.runtime.database import Database

        async def write():
            database = await Database.open(sys.argv[1], clock=SystemClock())
            await database.run(lambda tx: tx.execute(text("create table thing (number integer)")))
            for number in range(100_000):
                insert = text("insert into thing values (:number)")
                await database.run(lambda tx: tx.execute(insert, {"number": number}))
                print(number, flush=True)

        asyncio.run(write())
        """
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here meanwhile
        [sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = -1
        while acknowledged < 50:
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged += len(writer.stdout.readlines())

    database = await Database.open(database_url, clock=clock)
    there = await numbers(database)
    await database.close()

    assert there == list(range(len(there)))
    assert len(there) >= acknowledged


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/far\\040away {kind} rw 0 0\n")

    with pytest.raises(NetworkFileSystem, match=kind):
        refuse_network_file_system(Path("/mnt/far away/ledger.db"), mounts)


@pytest.mark.parametrize("lines", ["/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt nfs rw 0 0\n", "", "?"])
def test_a_local_disk_is_taken(tmp_path: Path, lines: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(lines)

    refuse_network_file_system(Path("/srv/ledger.db"), mounts)
    refuse_network_file_system(Path("/srv/ledger.db"), tmp_path / "nothing")
