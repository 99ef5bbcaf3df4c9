"""One hash per preset over everything that a run of it consists of: jobs, inputs, settings.

Equal hashes before and after a refactoring mean that nobody's run starts again: Snakemake runs a
job again when its inputs or settings change. It does so too when the text of its rule changes,
which is in no hash. The format numbers of stages, tables and figures are part of their settings.

    python benchmarks/plan_hashes.py                       # of this checkout
    python benchmarks/plan_hashes.py --against ../before   # and what differs from another

Each line: the preset, the number of entries, the hash; with another checkout, its number and hash
after them, and below them the entries that differ: those jobs run again, and all that follows.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from planned import PRESETS, REPOSITORY, config_files, planned


def total(entries: dict[str, Any]) -> tuple[int, str]:
    """The number of entries and the hash over all of them."""
    text = json.dumps(entries, sort_keys=True)
    return len(entries), hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS)
    parser.add_argument("--against", type=Path, help="root folder of another checkout")
    asked = parser.parse_args()
    for preset in asked.presets:
        own = planned(REPOSITORY, preset).entries
        if asked.against is None:
            print(preset, *total(own))
            continue
        if not all(path.exists() for path in config_files(asked.against.resolve(), preset)):
            print(preset, *total(own), "new")
            continue
        other = planned(asked.against.resolve(), preset).entries
        print(preset, *total(own), *total(other))
        for name in sorted(own.keys() | other.keys()):
            if own.get(name) != other.get(name):
                kind = "changed" if name in own and name in other else "new"
                print(f"  {'gone' if name not in own else kind}: {name}")


if __name__ == "__main__":
    main()
