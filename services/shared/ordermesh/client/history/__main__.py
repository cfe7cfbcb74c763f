"""``python -m ordermesh.client.history FILE ...`` checks histories of one run as one.

Exits with 0 when it is accepted, with 1 when something is in it that may never be, with 2 when it
cannot be read or checked.
"""

import sys
from pathlib import Path

from ordermesh.client.history.calls import MalformedHistory, merged, read
from ordermesh.client.history.checking import check
from ordermesh.client.history.promises import Uncounted


def main(arguments: list[str]) -> int:
    """Check the files; gives the code to exit with."""
    if not arguments:
        sys.stderr.write("Name the files of a history.\n")
        return 2
    try:
        findings = check(merged(read(Path(name)) for name in arguments))
    except (OSError, MalformedHistory, Uncounted) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{findings}\n")
    return 1 if findings.violations else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
