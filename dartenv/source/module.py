"""One parsed file: syntax tree, scopes, positions, and when each part of it is executed."""

from __future__ import annotations

import ast
import sys
import warnings
from typing import Dict, Iterator, List, Optional, Tuple, Type, TypeVar, Union

from dartenv.source.fstring import anchor
from dartenv.source.scopes import Analysis, Scope, build_scopes, surface_scope
from dartenv.source.text import SourceText, UnreadableError

PARSE_NAME = "dartenv-analysed-source"
# ast.parse warns about invalid escapes in what it reads; that is the file's affair, not ours.
# One filter for this name, rather than catch_warnings, which is not safe among threads.
warnings.filterwarnings("ignore", module=PARSE_NAME)

# Inside f-strings ast tells positions only since the grammar knows them (PEP 701).
FSTRING_POSITIONS = sys.version_info >= (3, 12)

N = TypeVar("N", bound=ast.AST)
FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def parse(text: str) -> ast.Module:
    """The tree of ``text``; raises :class:`UnreadableError` for whatever Python cannot parse."""
    try:
        return ast.parse(text, filename=PARSE_NAME)
    except SyntaxError as error:
        raise UnreadableError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"cannot be parsed: {error or type(error).__name__}") from None


class Module:
    """A parsed file. ``path`` is relative to the root, with ``/``; ``name`` is dotted.

    Raises :class:`UnreadableError` as :class:`SourceText` and :func:`parse` do.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.name, self.is_package = module_name(path)
        self.source = SourceText(data)
        self.tree = parse(self.source.text)
        self._analysis: Optional[Analysis] = None
        self._surface: Optional[Scope] = None
        self._anchors: Dict[int, Tuple[int, int]] = {}

    def nodes(self, kind: Type[N]) -> List[N]:
        """Every node of exactly this kind."""
        return self._analysed().kinds.get(kind, [])  # type: ignore[return-value]

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def scope(self) -> Scope:
        """The module's own scope."""
        if self._analysis is not None:
            return self._analysis.scope
        if self._surface is None:
            self._surface = surface_scope(self.tree, self.package)
        return self._surface

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope in which ``node`` is evaluated."""
        return self._analysed().scopes[id(node)]

    def parent(self, node: ast.AST) -> Optional[ast.AST]:
        """The node that holds ``node``."""
        return self._analysed().parents.get(id(node))

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """From the node that holds ``node`` up to the module."""
        found = self.parent(node)
        while found is not None:
            yield found
            found = self.parent(found)

    def _analysed(self) -> Analysis:
        if self._analysis is None:
            try:
                self._analysis = build_scopes(self.tree, self.package)
            except RecursionError:
                raise UnreadableError("is nested too deeply") from None
        return self._analysis

    def forget(self) -> None:
        """Drop what can be worked out again from the tree: it is most of a module's memory."""
        self._analysis = None
        self._anchors = {}

    def span(self, node: ast.AST) -> Tuple[int, int]:
        """Start and end index of ``node`` in the text.

        Raises UnreadableError where they cannot be told, inside some f-strings before 3.12.
        """
        if not FSTRING_POSITIONS:
            outer = None
            for holder in (node, *self.parents(node)):
                if isinstance(holder, ast.JoinedStr):
                    outer = holder
            if outer is not None and node is not outer:
                if id(node) not in self._anchors:
                    self._anchors.update(anchor(outer, *self._plain_span(outer), self.source.text))
                if id(node) not in self._anchors:
                    raise UnreadableError("its place inside an f-string cannot be told")
                return self._anchors[id(node)]
        return self._plain_span(node)

    def _plain_span(self, node: ast.AST) -> Tuple[int, int]:
        line, column = getattr(node, "lineno", None), getattr(node, "col_offset", None)
        end_line = getattr(node, "end_lineno", None)
        end_column = getattr(node, "end_col_offset", None)
        if line is None or column is None or end_line is None or end_column is None:
            raise UnreadableError("its place in the file cannot be told")
        return self.source.index(line, column), self.source.index(end_line, end_column)

    def segment(self, node: ast.AST) -> str:
        """The text of ``node``."""
        start, end = self.span(node)
        return self.source.text[start:end]

    def line(self, node: ast.AST) -> int:
        """The line ``node`` begins on, also inside f-strings."""
        try:
            return self.source.line_of(self.span(node)[0])
        except UnreadableError:
            return int(getattr(node, "lineno", 1))

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that ``node`` is or is part of."""
        for holder in (node, *self.parents(node)):
            if isinstance(holder, ast.stmt):
                return holder
        raise ValueError("not part of a statement")

    def function(self, node: ast.AST) -> Optional[FunctionNode]:
        """The innermost function whose body ``node`` is part of."""
        child = node
        for holder in self.parents(node):
            if isinstance(holder, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
                child is part for part in holder.body
            ):
                return holder
            child = holder
        return None

    def runs(self, node: ast.AST) -> str:
        """When ``node`` is executed: ``import``, ``main``, ``call`` or ``never``."""
        when = "import"
        child = node
        for holder in self.parents(node):
            if isinstance(holder, FUNCTIONS) and _in_body(holder, child):
                when = "call" if when != "never" else when
            elif isinstance(holder, ast.If):
                for part, inner in branches(holder, "import"):
                    if any(child is statement for statement in part):
                        when = "never" if inner == "never" else inner if when == "import" else when
            child = holder
        return when


def branches(node: ast.stmt, when: str) -> Iterator[Tuple[List[ast.stmt], str]]:
    """The statement lists that ``node`` holds, and when each runs if ``node`` does at ``when``."""
    guard = _guard(node.test) if isinstance(node, ast.If) else ""
    for name in ("body", "orelse", "finalbody"):
        part = getattr(node, name, None)
        if isinstance(part, list):
            inner = when
            if guard == ("always" if name == "orelse" else "never"):
                inner = "never"
            elif guard == "main" and name == "body" and when == "import":
                inner = "main"
            yield part, inner
    for handler in getattr(node, "handlers", ()):
        yield handler.body, when
    for case in getattr(node, "cases", ()):
        yield case.body, when


def _in_body(function: ast.AST, child: ast.AST) -> bool:
    body = getattr(function, "body", None)
    return any(child is part for part in body) if isinstance(body, list) else child is body


def _guard(test: ast.expr) -> str:
    """What an ``if`` says about when its body runs: ``never``, ``always``, ``main`` or nothing."""
    if isinstance(test, ast.Constant):
        return "always" if test.value else "never"
    if isinstance(test, (ast.Name, ast.Attribute)):
        name = test.id if isinstance(test, ast.Name) else test.attr
        return "never" if name == "TYPE_CHECKING" else ""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        sides = [test.left, *test.comparators]
        named = any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides)
        if named and any(isinstance(s, ast.Constant) and s.value == "__main__" for s in sides):
            return "main"
    return ""


def module_name(path: str) -> Tuple[str, bool]:
    """The dotted name of the module at ``path``, and whether it is a package."""
    parts = path[: -len(".py")].split("/") if path.endswith(".py") else path.split("/")
    if parts[-1] == "__init__":
        return ".".join(parts[:-1]), True
    return ".".join(parts), False
