"""`python -m waystation`: the command line, see `cli.py`."""

from waystation.cli import main

if __name__ == "__main__":
    main()
