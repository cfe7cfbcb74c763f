"""Where tests keep their files: they survive no power cut, so no disk need confirm them."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""

_BYTES_MIN = 4 * 1024**3


def memory() -> Path | None:
    """A folder whose files are kept in memory, or None where there is none with enough room."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _BYTES_MIN else None
