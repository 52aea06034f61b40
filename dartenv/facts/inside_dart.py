"""Runs in the target after inside_run.py: the modules that DART's entry points import.

The packages are imported for real, with the DART root first on sys.path as in ``python -m``.
DART's own files are read and compiled by this Python, not run: running them belongs to smoke.
"""

import ast
import os
import sys
from functools import lru_cache

MYPY = False
if MYPY:
    from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

    from dartenv.facts.inside_run import step
    from dartenv.facts.inside_torch import import_name

MAX_FILES = 2000


def task_modules(asked: "Dict[str, Any]") -> "None":
    """Import each of the asked packages."""
    import_group(asked, "modules")


def task_ahead(asked: "Dict[str, Any]") -> "None":
    """Import, before torch, what torch or its group loads in any case."""
    import_group(asked, "ahead")


def import_group(asked: "Dict[str, Any]", group: "str") -> "None":
    """Import what the request names under ``group``, if it does."""
    for name in asked.get(group, []):
        import_one(name)


def import_one(name: "str") -> "None":
    step("imports.dart:" + name, lambda details: import_name(details, name))


def task_tree(asked: "Dict[str, Any]") -> "None":
    """Follow the imports of the entry points through the tree; import what nobody listed."""
    closure: Dict[str, Set[str]] = {}
    step("imports.dart:tree", lambda details: read_tree(asked, details, closure))
    listed = {name.split(".")[0] for name in asked["known"]}
    for name in sorted(closure.get("foreign", ())):
        if name.split(".")[0] not in listed:
            import_one(name)


def read_tree(
    asked: "Dict[str, Any]", details: "Dict[str, str]", closure: "Dict[str, Set[str]]"
) -> "None":
    """Compile the entry points' files and note the foreign modules they import.

    Raises ImportError naming the first file that is missing or that this Python cannot read.
    """
    seen: Set[str] = set()
    foreign = closure.setdefault("foreign", set())
    problems: List[str] = []
    pending = list(asked["entries"])
    for entry in pending:
        if local_file(asked["root"], entry) is None:
            problems.append("%s: no such module in the tree" % entry)
    while pending and len(seen) < MAX_FILES:
        module = pending.pop()
        path = local_file(asked["root"], module)
        if path is None or path in seen:
            continue
        seen.add(path)
        shown = os.path.relpath(path, asked["root"]).replace(os.sep, "/")
        try:
            with open(path, "rb") as stream:
                tree = ast.parse(stream.read(), shown)
        except SyntaxError as error:
            place = ":%d" % error.lineno if error.lineno else ""
            problems.append("%s%s: %s" % (shown, place, error.msg))
            continue
        except (OSError, ValueError) as error:
            problems.append("%s: %s" % (shown, error))
            continue
        package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
        for name, line, optional in imported(tree, package):
            if is_local(asked["root"], name):
                found = nearest_module(asked["root"], name)
                if found is None and not optional:
                    problems.append("%s:%d: no module %s in the tree" % (shown, line, name))
                pending.extend([found] if found else [])
            elif not optional and not standard(name):
                foreign.add(name.rstrip("*"))
    details["files"] = str(len(seen))
    details["problems"] = "\n".join(problems[:20])
    if problems:
        raise ImportError(problems[0])


def imported(tree: "ast.AST", package: "str") -> "Iterator[Tuple[str, int, bool]]":
    """Names imported when the module is: (dotted name, line, whether a try guards it).

    A name of the form ``a.b*`` may be a module b or something inside a.
    """
    stack: List[Tuple[Any, bool]] = [(node, False) for node in getattr(tree, "body", [])]
    while stack:
        node, guarded = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, guarded
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".") if package else []
                parts = parts[: len(parts) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            yield base, node.lineno, guarded
            for alias in node.names:
                yield "%s.%s*" % (base, alias.name), node.lineno, guarded
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            stack.extend((one, guarded) for one in node.orelse)
        else:
            inside = guarded or isinstance(node, ast.Try)
            # Only statements hold imports: expressions are most of a file, and left alone.
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                stack.extend((one, inside) for one in getattr(node, part, ()))


@lru_cache(maxsize=None)  # the same few names stand in file after file
def local_file(root: "str", name: "str") -> "Optional[str]":
    """The file of a module of the tree, or of a regular package."""
    base = os.path.join(root, *name.split("."))
    for path in (base + ".py", os.path.join(base, "__init__.py")):
        if os.path.isfile(path):
            return path
    return None


@lru_cache(maxsize=None)
def is_local(root: "str", name: "str") -> "bool":
    """Whether the first part of a name lies in the tree, as a module or a folder of Python."""
    first = name.rstrip("*").split(".")[0]
    if not first or local_file(root, first) is not None:
        return bool(first)
    folder = os.path.join(root, first)
    if not os.path.isdir(folder):
        return False
    names = os.listdir(folder)
    inner = [one for one in names if os.path.isdir(os.path.join(folder, one))]
    return any(one.endswith(".py") for one in names) or any(
        one.endswith(".py") for part in inner for one in os.listdir(os.path.join(folder, part))
    )


@lru_cache(maxsize=None)
def nearest_module(root: "str", name: "str") -> "Optional[str]":
    """The module a name stands for: itself, or, where it may be a name inside one, its parent."""
    clean = name.rstrip("*")
    if local_file(root, clean) is not None:
        return clean
    if os.path.isdir(os.path.join(root, *clean.split("."))):
        return clean  # a folder without __init__.py imports as well
    if name.endswith("*"):
        return clean.rpartition(".")[0]
    return None


@lru_cache(maxsize=None)
def standard(name: "str") -> "bool":
    """Whether a name is of the standard library, or something inside a listed module."""
    if name.endswith("*"):
        return True
    first = name.split(".")[0]
    known = getattr(sys, "stdlib_module_names", None)
    if known is not None:
        return first in known
    if first in sys.builtin_module_names:
        return True
    from importlib.util import find_spec

    try:
        spec = find_spec(first)
    except (ImportError, ValueError):
        return False
    origin = (spec.origin or "") if spec is not None else ""
    library = os.path.dirname(os.__file__)
    return origin.startswith(library) and "site-packages" not in origin
