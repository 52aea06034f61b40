"""The folder that data_paths.py names for the body models, computed without running the file."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.site import REPAIRED, UNSURE, Site

FAULT = "source.body-model-dir"
PATHS = frozenset(f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "WindowsPath"))
JOINS = frozenset(("os.path.join", "posixpath.join"))
CURRENT = frozenset(("os.getcwd", "pathlib.Path.cwd"))
SAME = frozenset(
    ("builtins.str", "os.fspath", "os.path.abspath", "os.path.normpath", "os.path.realpath")
)
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")


Assignment = Union[ast.Assign, ast.AnnAssign]


class UnknownValueError(Exception):
    """An expression whose value is only known at run time; the text names it."""


@dataclass(frozen=True)
class Value:
    """A path as text with ``/``, relative to the root, and whether it is a ``Path``."""

    text: str
    is_path: bool


@dataclass(frozen=True)
class FolderSite(Site):
    """``node`` is the assignment that counts; ``value`` is ``None`` where it cannot be told."""

    value: Optional[Value] = None


def find(module: Module, name: str, root: str = "") -> Optional[FolderSite]:
    """Where ``name`` is set and to what; ``None`` if the module does not set it.

    ``root`` is the absolute path of the tree, so that an absolute path inside it is told
    relative to it. The working directory is taken to be the root, as DART wants it.
    """
    evaluator = Evaluator(module, root)
    every: List[Assignment] = [*module.nodes(ast.Assign), *module.nodes(ast.AnnAssign)]
    assignments = [
        node
        for node in every
        if node.value is not None
        and any(isinstance(t, ast.Name) and t.id == name for t in targets(node))
        and module.runs(node) == "import"
    ]
    if not assignments:
        return None
    node = assignments[-1]
    if len(assignments) > 1 or module.parent(node) is not module.tree:
        note = f"{name} is set in more than one way"
        return FolderSite(module, node, name, UNSURE, note)
    assert node.value is not None
    try:
        value = evaluator.value(node.value)
    except UnknownValueError as error:
        return FolderSite(module, node, name, UNSURE, f"{error} is only known at run time")
    return FolderSite(module, node, name, REPAIRED, "", evaluator.relative(value))


def targets(node: Assignment) -> List[ast.expr]:
    """What an assignment assigns to."""
    if isinstance(node, ast.Assign):
        return list(node.targets)
    return [node.target]


class Evaluator:
    """Computes path expressions of one module."""

    def __init__(self, module: Module, root: str = "") -> None:
        self.module = module
        self.names = Names(module)
        self.root = root.replace("\\", "/").rstrip("/")
        self._seen: Dict[str, bool] = {}

    def relative(self, value: Value) -> Value:
        """``value`` relative to the root where it is inside, normalised."""
        text = posixpath.normpath(value.text) if value.text else "."
        if self.root and (text == self.root or text.startswith(self.root + "/")):
            text = text[len(self.root) + 1 :] or "."
        return Value(text, value.is_path)

    def value(self, node: ast.expr) -> Value:
        """The value of an expression; raises UnknownValueError."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Value(node.value.replace("\\", "/"), False)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            if isinstance(node.op, ast.Div) and (left.is_path or right.is_path):
                return Value(_join(left.text, right.text), True)
            if isinstance(node.op, ast.Add) and not (left.is_path or right.is_path):
                return Value(left.text + right.text, False)
        if isinstance(node, ast.JoinedStr):
            return self._fstring(node)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return _parent(self.value(node.value))
        if isinstance(node, ast.Subscript):
            return self._parents(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise UnknownValueError(self.module.segment(node))

    def _name(self, node: ast.Name) -> Value:
        if node.id == "__file__":
            return Value(self.module.path, False)
        bindings = self.module.scope.names.get(node.id) or []
        if len(bindings) != 1 or bindings[0].value is None or node.id in self._seen:
            raise UnknownValueError(node.id)
        if self.module.parent(self.module.statement(bindings[0].node)) is not self.module.tree:
            raise UnknownValueError(node.id)  # set under a condition
        self._seen[node.id] = True
        try:
            return self.value(bindings[0].value)
        finally:
            del self._seen[node.id]

    def _fstring(self, node: ast.JoinedStr) -> Value:
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None or part.conversion not in (-1, 115):
                    raise UnknownValueError(self.module.segment(node))
                text += self.value(part.value).text
            elif isinstance(part, ast.Constant):
                text += str(part.value).replace("\\", "/")
        return Value(text, False)

    def _parents(self, node: ast.Subscript) -> Value:
        index = getattr(node.slice, "value", None)
        index = getattr(index, "value", index)
        if (
            isinstance(node.value, ast.Attribute)
            and node.value.attr == "parents"
            and isinstance(index, int)
        ):
            value = self.value(node.value.value)
            for _ in range(index + 1):
                value = _parent(value)
            return value
        raise UnknownValueError(self.module.segment(node))

    def _call(self, node: ast.Call) -> Value:
        named = self.names.of(node.func)
        dotted = named.dotted if named is not None else ""
        unknown = UnknownValueError(self.module.segment(node))
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise unknown
        if dotted in PATHS or dotted in JOINS:
            text = ""
            for argument in node.args:
                text = _join(text, self.value(argument).text)
            return Value(text or ("." if dotted in PATHS else ""), dotted in PATHS)
        if dotted in CURRENT:
            return Value("", dotted != "os.getcwd")
        if dotted in SAME and len(node.args) == 1:
            return Value(self.value(node.args[0]).text, False)
        if dotted == "os.path.dirname" and len(node.args) == 1:
            return Value(_parent(self.value(node.args[0])).text, False)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, unknown)
        raise unknown

    def _method(self, node: ast.Call, function: ast.Attribute, unknown: Exception) -> Value:
        if function.attr == "joinpath":
            text = self.value(function.value).text
            for argument in node.args:
                text = _join(text, self.value(argument).text)
            return Value(text, True)
        if function.attr in ("resolve", "absolute", "as_posix", "__str__") and not node.args:
            inner = self.value(function.value)
            return Value(inner.text, function.attr in ("resolve", "absolute"))
        raise unknown


def _join(left: str, right: str) -> str:
    if not left or _ABSOLUTE.match(right):
        return right
    return f"{left.rstrip('/')}/{right}" if right else left


def _parent(value: Value) -> Value:
    text = posixpath.normpath(value.text) if value.text else "."
    if text == "." or text == ".." or text.endswith("/.."):
        return Value(posixpath.normpath(posixpath.join(text, "..")), value.is_path)
    return Value(posixpath.dirname(text) or ".", value.is_path)


def inside(folder: str, base: str) -> Optional[str]:
    """``folder`` relative to ``base``; ``None`` if it is not inside."""
    folder, base = posixpath.normpath(folder), posixpath.normpath(base)
    if base == ".":
        return None if _ABSOLUTE.match(folder) or folder.startswith("..") else folder
    return folder[len(base) + 1 :] if folder.startswith(base + "/") else None


def base_of(node: ast.expr) -> Tuple[Optional[ast.Name], Optional[ast.expr]]:
    """The name and the rest of ``NAME / rest``; neither for other shapes."""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and isinstance(node.left, ast.Name)
    ):
        return node.left, node.right
    return None, None
