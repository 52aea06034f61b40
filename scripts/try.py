"""Sets everything up and runs the main job on the embedded sandbox:  python scripts/try.py

In an environment of its own, .venvs/try-<Python>-<system> under the checkout, it installs dartenv
and what the sandbox needs (torch for CPU, numpy, a few small packages), then runs
``dartenv doctor --sandbox``: a small DART-shaped project with known faults is written to a
temporary folder, examined, repaired, examined again, and moved. No GPU, no DART, no licence.
"""

import sys

if sys.version_info < (3, 8):  # noqa: UP036 - said in words before a newer syntax is met
    sys.exit("dartenv needs Python 3.8 or newer; this is Python " + sys.version.split()[0])

import argparse
from pathlib import Path

from _env import Environment, environment_folder, say, script


def main() -> int:
    """Exit code of ``dartenv doctor --sandbox``; 4 when the environment could not be made."""
    parser = argparse.ArgumentParser(
        description="Sets everything up and runs dartenv on the embedded sandbox.",
        epilog="Other options go to `dartenv doctor --sandbox`.",
    )
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    parser.add_argument("--set-up-only", action="store_true", help="install, run nothing")
    parser.add_argument("--venv", metavar="DIR", help="environment to use instead of .venvs/...")
    options, for_doctor = parser.parse_known_args()

    folder = Path(options.venv).absolute() if options.venv else environment_folder("try")
    environment = Environment(folder)
    environment.create(fresh=options.fresh)
    environment.install_dartenv()
    environment.install_sandbox_needs()
    if options.set_up_only:
        say(f"ready: {environment.python}")
        return 0
    say("dartenv doctor --sandbox")
    return environment.run(["-m", "dartenv", "doctor", "--sandbox", *for_doctor])


if __name__ == "__main__":
    script(main)
