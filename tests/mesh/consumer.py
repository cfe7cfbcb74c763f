"""A platform's consumer: it keeps each event with its position in one transaction of its own."""

import asyncio
import sqlite3
import sys

from ordermesh.client import Mesh, follow


async def main(target: str, path: str) -> None:
    books = sqlite3.connect(path, isolation_level=None)
    books.execute("PRAGMA journal_mode=WAL")
    books.execute("CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY, position INTEGER)")
    books.execute(
        "CREATE TABLE IF NOT EXISTS heard"
        " (number INTEGER PRIMARY KEY, event_id TEXT, order_id TEXT, sequence INTEGER)"
    )
    row = books.execute("SELECT position FROM place").fetchone()
    async with Mesh({"routing": target}, caller="erp") as mesh:
        async for batch in follow(mesh, "routing", row[0] if row else 0):
            books.execute("BEGIN IMMEDIATE")
            for event in batch.events:
                books.execute(
                    "INSERT INTO heard (event_id, order_id, sequence) VALUES (?, ?, ?)",
                    (event.event_id, event.aggregate_id, event.sequence),
                )
            books.execute(
                "INSERT INTO place VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET position = ?",
                (batch.position, batch.position),
            )
            books.execute("COMMIT")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
