"""`python -m waystation` and the console script: start the command line, nothing else."""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit status."""
    from waystation.cli import run_cli

    raise SystemExit(run_cli())


if __name__ == "__main__":
    main()
