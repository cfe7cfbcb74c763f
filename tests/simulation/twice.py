"""``python -m tests.simulation.twice`` runs each seed twice, in two processes, and compares them.

The processes walk through sets of words in different orders, as two always do. ``--other`` names
the Python of another environment in which the project is installed, for the second of them: another
version of Python must tell the same story.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PROGRAM = """
import sys
from tests.simulation.running import run
print(sys.version.split()[0])
for seed in {seeds}:
    result = run(seed)
    print(seed, result.history.digest, result.steps)
"""


def digests(seeds: Sequence[int], hash_seed: str, python: str = sys.executable) -> list[str]:
    """The version of a Python, then of each seed its number, its digest and its callbacks."""
    done = subprocess.run(
        [python, "-c", _PROGRAM.format(seeds=list(seeds))],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def main() -> int:
    """Exit with 1 when two runs of a seed were not the same run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.twice", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--other", default=sys.executable, help="the second Python")
    wanted = parser.parse_args()
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    with ThreadPoolExecutor(2) as pool:
        ours = pool.submit(digests, seeds, "1", sys.executable)
        others = pool.submit(digests, seeds, "2", wanted.other)
    (our_version, *one), (other_version, *two) = ours.result(), others.result()
    unlike = [first for first, second in zip(one, two, strict=True) if first != second]
    for first in unlike:
        sys.stdout.write(f"NOT THE SAME: seed {first.split()[0]}\n")
    sys.stdout.write(
        f"{len(one) - len(unlike)} of {len(one)} seeds were the same run twice,"
        f" in Python {our_version} and in Python {other_version}.\n"
    )
    return 1 if unlike else 0


if __name__ == "__main__":
    raise SystemExit(main())
