"""Start one of these programs by file path, as a member of this package.

``python launcher.py PROGRAM INPUT.json OUTPUT.json``. The package is imported from where it
lies, without putting its folder on the path: its module names must not hide the target's.
Python 3.6 syntax.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, List

PACKAGE = "dartenv_inside"


def load(program: str) -> Any:
    """The module ``program`` of this folder, whatever the path says."""
    here = Path(__file__).absolute().parent
    spec: Any = importlib.util.spec_from_file_location(
        PACKAGE, str(here / "__init__.py"), submodule_search_locations=[str(here)]
    )
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(PACKAGE + "." + program)


def main(argv: List[str]) -> int:
    """Run ``argv[0]`` on the JSON in ``argv[1]`` and write what it returns to ``argv[2]``."""
    program, source, answer = argv
    sys.path[0] = str(Path.cwd())  # as `python -m` has it; this script's folder otherwise
    request = json.loads(Path(source).read_text(encoding="utf-8"))
    result = load(program).run(request)
    part = Path(answer + ".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
