"""The command line: ``commands/`` has one subcommand per stage, and what people run by hand."""

from projcomp.commands import by_hand, stages  # which register their commands
from projcomp.commands.app import app

__all__ = ["app", "by_hand", "main", "stages"]


def main() -> None:
    """Entry point of the ``projcomp`` command."""
    app(prog_name="projcomp")


if __name__ == "__main__":
    main()
