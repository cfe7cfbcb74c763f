"""One server process per SQLite file, and none on a network file system."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs",
        "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "smb2", "smb3", "smbfs",
    }
)  # fmt: skip


class DatabaseInUse(Exception):
    """Another process serves this SQLite file."""


class NetworkFileSystem(Exception):
    """SQLite's locks and its write-ahead log do not hold on a network file system."""


class LockFile:
    """Holds ``<file>.lock`` until closed or until the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        """Take the lock; raises ``DatabaseInUse`` at once when another process holds it."""
        path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            self._descriptor = None
            raise DatabaseInUse(
                f"{database} is in use by {owner or 'another process'}. SQLite has one writer:"
                " stop that process, or use PostgreSQL for replicas."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"process {os.getpid()}\n".encode("ascii"))

    def close(self) -> None:
        """Give the lock back. The file stays: deleting it would let two processes hold it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold a lock of processes, and of threads of this one, waiting until it is free."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def refuse_network_file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raise ``NetworkFileSystem`` when the path lies on one, as far as the system tells."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    best, kind = Path("/"), ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, fields[2]
    if kind in _NETWORK_FILE_SYSTEMS:
        raise NetworkFileSystem(
            f"{path} lies on {best}, a network file system ({kind}), where SQLite is not safe."
            " Use a local disk, or PostgreSQL."
        )
