"""``python -m dartenv``."""

from dartenv.cli.app import main

if __name__ == "__main__":
    main()
