"""Immaculate's command: sets of near-duplicates at its own threshold; every pair scores 1.

It is proprietary: it is installed and run as it comes, and only what it prints is used.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

from pairs_file import write_pairs


def main() -> None:
    folder, out, method = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    command = Path(sys.executable).with_name("immaculate")
    done = subprocess.run(
        [str(command), "--json", "--method", method, str(folder)],
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    # a set of same pixels is named apart from the near set that one of its members is in
    sets = [[Path(path) for path in some] for some in (*found["exact"], *found["near"])]
    write_pairs(
        out,
        (
            (a.relative_to(folder).as_posix(), b.relative_to(folder).as_posix(), 1.0)
            for some in sets
            for a, b in combinations(sorted(some), 2)
        ),
    )


if __name__ == "__main__":
    main()
