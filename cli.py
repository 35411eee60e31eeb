"""The front door: `python cli.py ...` is the `retina` command."""

from retina.cli import main

if __name__ == "__main__":
    main()
