"""How a run ends: errors as one clear line, faults of our own as a line to send us."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Callable

from dartenv.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, DartenvError


def run(app: Callable[..., Any]) -> int:
    """Call the typer app; return the exit code."""
    from dartenv.report.terminal import say

    try:
        result = app(standalone_mode=True)
        return int(result or 0)
    except SystemExit as ending:
        code = ending.code
        return code if isinstance(code, int) else int(code is not None)
    except KeyboardInterrupt:
        say("dartenv: interrupted", sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away, as with `| head`; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except DartenvError as error:
        say(f"dartenv: {error.render()}", sys.stderr)
        return error.exit_code
    except Exception as error:
        if os.environ.get("DARTENV_DEBUG"):
            traceback.print_exc()
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{frame.lineno}"
        say(
            f"dartenv: a fault of dartenv itself at {place}: {type(error).__name__}: {error}; "
            "send us this line (DARTENV_DEBUG=1 shows more)",
            sys.stderr,
        )
        return EXIT_INTERNAL
