"""Where the ``projcomp`` command begins; also ``python -m projcomp``.

The command line itself needs the extra ``workflow``, and its stages need others. Whichever is not
installed is told in one line here, because here alone nothing has been imported yet.
"""

import sys

from projcomp.extras import missing
from projcomp.machine.freed_memory import keep_freed_memory
from projcomp.machine.processes import end_with_the_run


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: with 1 where an extra is missing, after its line; else as the command ends.
    """
    end_with_the_run()
    keep_freed_memory()
    try:
        from projcomp import cli

        cli.main()
    except ImportError as error:
        line = missing(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
