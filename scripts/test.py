"""Sets everything up and passes the tests:  python scripts/test.py [--torch] [pytest options]

The environment is .venvs/test-<Python>-<system> under the checkout; a second run starts at once.
Tests that need torch are skipped unless --torch installs it (the CPU build).
"""

import sys

if sys.version_info < (3, 8):  # noqa: UP036 - said in words before a newer syntax is met
    sys.exit("dartenv needs Python 3.8 or newer; this is Python " + sys.version.split()[0])

import argparse
from pathlib import Path

from _env import Environment, environment_folder, say, script


def main() -> int:
    """Exit code of pytest; 4 when the environment could not be made."""
    parser = argparse.ArgumentParser(
        description="Sets everything up and passes the tests.",
        epilog="Other options and paths go to pytest: python scripts/test.py -k facts tests/facts",
    )
    parser.add_argument(
        "--torch",
        action="store_true",
        help="install CPU torch, onnx and onnxruntime, for tests with them",
    )
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    parser.add_argument("--set-up-only", action="store_true", help="install, run no tests")
    parser.add_argument("--venv", metavar="DIR", help="environment to use instead of .venvs/...")
    options, for_pytest = parser.parse_known_args()

    folder = Path(options.venv).absolute() if options.venv else environment_folder("test")
    environment = Environment(folder)
    environment.create(fresh=options.fresh)
    if options.torch:
        environment.install_sandbox_needs()
        environment.install_dartenv("dev,ort,export")
    else:
        environment.install_dartenv("dev")
    if options.set_up_only:
        say(f"ready: {environment.python}")
        return 0
    if not options.torch:
        say("tests that need torch are skipped where it is not installed; --torch installs it")
    return environment.run(["-m", "pytest", *for_pytest])


if __name__ == "__main__":
    script(main)
