"""What calls do to a prompt: carry it on, make a file name of it, or make a path of it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Dict, List, Optional

from dartenv.source.flow import PATH, SEQUENCE, TEXT, Flow, Sinks, joined, prompt_flow
from dartenv.source.helpers import FILE_NAME, FILE_TEST, calls_helper
from dartenv.source.names import Named, Names

if TYPE_CHECKING:
    from dartenv.source.frame import Frame

CARRYING = frozenset(
    (
        *("replace", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "expandtabs"),
        *("lower", "upper", "title", "capitalize", "casefold", "swapcase"),
        *("zfill", "ljust", "rjust", "center"),
    )
)
SPLITTING = frozenset(("split", "rsplit", "splitlines", "partition", "rpartition"))
TESTS = frozenset(("exists", "is_file", "is_dir"))
PATH_KEEPING = frozenset(("resolve", "absolute", "expanduser"))
PATH_JOINING = frozenset(("joinpath", "with_name", "with_stem"))
JOINS = frozenset(("os.path.join", "posixpath.join", "ntpath.join"))
PATHS = frozenset(
    f"pathlib.{name}"
    for name in ("Path", "PurePath", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
)
OPENING = frozenset(
    ("builtins.open", "io.open", "codecs.open", "os.makedirs", "os.mkdir", "os.open", "gzip.open")
)
SAVING = frozenset(
    (
        *("save", "savez", "savez_compressed", "savetxt", "savefig", "export"),
        *("imwrite", "imsave", "mimsave", "mimwrite", "get_writer"),
    )
)
SAME = frozenset(f"builtins.{name}" for name in ("list", "tuple", "sorted", "reversed", "set"))
CLEANER = re.compile(r"sanit|slug|clean|safe|valid|escape|quote|secure", re.IGNORECASE)
CHARACTER_TESTS = frozenset(("isalnum", "isalpha", "isidentifier", "isprintable", "isascii"))
MAX_DEPTH = 2


class Calls:
    """The calls of one frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def value(self, node: ast.Call) -> Optional[Flow]:
        """What is known of the value of a call."""
        value = self.frame.value
        if calls_helper(node, FILE_NAME):
            flow = value(node.args[0]) if node.args else None
            return flow.cleaned(node, "by dartenv") if flow is not None else None
        if calls_helper(node.func, FILE_TEST):
            return self._helped_test(node)
        arguments = [*node.args, *(k.value for k in node.keywords)]
        flows = [value(argument) for argument in arguments]
        if isinstance(node.func, ast.Attribute):
            method = self._method(node, node.func, arguments, flows)
            if method is not None:
                return method
        elif not isinstance(node.func, ast.Name):
            value(node.func)
        if not any(flow is not None for flow in flows):
            return None
        return self._function(node, arguments, flows)

    def _helped_test(self, node: ast.Call) -> Optional[Flow]:
        inner = node.func.args[0] if isinstance(node.func, ast.Call) and node.func.args else None
        if isinstance(inner, ast.Attribute):
            flow = self.frame.value(inner.value)
            if flow is not None and flow.kind == PATH:
                self.frame.sinks.test(node, True)
        return None

    def _method(
        self,
        node: ast.Call,
        function: ast.Attribute,
        arguments: List[ast.expr],
        flows: List[Optional[Flow]],
    ) -> Optional[Flow]:
        """The value of ``base.method(...)`` where the method says something; else ``None``."""
        base, name = self.frame.value(function.value), function.attr
        where = f"becomes part of a path at line {node.lineno}"
        if name in PATH_JOINING:
            for argument, flow in zip(arguments, flows):
                self.frame.sinks.add(flow, argument, where)
            return None
        if name == "join" and len(arguments) == 1 and not self._is_path_join(node):
            return self._joined(function.value, arguments[0], flows[0])
        if name == "format":
            return self._mixed(arguments, flows)
        if name in ("append", "extend", "insert", "add") and isinstance(function.value, ast.Name):
            self._grow(function.value.id, arguments, flows)
            return None
        if base is None:
            return None
        if base.kind == PATH:
            if name in TESTS:
                self.frame.sinks.test(node, False)
            return base if name in PATH_KEEPING else None
        if base.kind == SEQUENCE:
            return base.as_kind(TEXT) if name == "pop" else base if name == "copy" else None
        if name in SPLITTING:
            return base.as_kind(SEQUENCE)
        if name == "translate":
            return base.cleaned(node, "by translate()")
        if name in CARRYING:
            if name == "replace" and arguments and _holds_star(arguments[0]):
                return base.cleaned(node, "of the characters Windows forbids only * is replaced")
            return Flow(TEXT, base.pure, False, base.raw, base.clean)
        return None

    def _is_path_join(self, node: ast.Call) -> bool:
        named = self.frame.names.of(node.func)
        return named is not None and named.dotted in JOINS

    def _joined(
        self, separator: ast.expr, argument: ast.expr, flow: Optional[Flow]
    ) -> Optional[Flow]:
        if flow is None:
            return None
        path_like = isinstance(separator, ast.Constant) and re.search(
            r"[/\\]", str(separator.value)
        )
        if path_like and flow.pure:
            return flow.as_kind(TEXT).mixed(argument).doubted("its parts are joined to a path")
        return flow.as_kind(TEXT)

    def _mixed(self, arguments: List[ast.expr], flows: List[Optional[Flow]]) -> Optional[Flow]:
        result: Optional[Flow] = None
        for argument, flow in zip(arguments, flows):
            if flow is not None:
                result = joined(result, flow.mixed(argument), TEXT)
        return result

    def _grow(self, name: str, arguments: List[ast.expr], flows: List[Optional[Flow]]) -> None:
        for flow in flows:
            if flow is not None and flow.kind in (TEXT, SEQUENCE):
                known = joined(self.frame.env.get(name), flow.as_kind(SEQUENCE), SEQUENCE)
                if known is not None:
                    self.frame.env[name] = known

    def _function(
        self, node: ast.Call, arguments: List[ast.expr], flows: List[Optional[Flow]]
    ) -> Optional[Flow]:
        named = self.frame.names.of(node.func)
        dotted = named.dotted if named is not None else ""
        last = dotted.split(".")[-1]
        if isinstance(node.func, (ast.Attribute, ast.Name)):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        foreign = named is None or named.node is None
        sinks = self.frame.sinks
        where = f"becomes part of a path at line {node.lineno}"
        if dotted in JOINS:
            for argument, flow in zip(arguments, flows):
                sinks.add(flow, argument, where)
            return None
        if dotted in PATHS:
            first = flows[0]
            if len(arguments) == 1 and first is not None and first.bare and first.kind == TEXT:
                # The prompt may be the name of a file of prompts, which has to stay as it is.
                return Flow(PATH, raw={id(arguments[0]): (arguments[0], "")})
            for argument, flow in zip(arguments, flows):
                sinks.add(flow, argument, where)
            return None
        if dotted == "builtins.str":
            return flows[0]
        if dotted in SAME:
            return flows[0].as_kind(SEQUENCE) if flows[0] is not None else None
        if dotted == "re.sub":
            return self._substituted(node, arguments, flows)
        if dotted in OPENING or (foreign and last in SAVING):
            for argument, flow in zip(node.args, flows):
                # Alone it is a file of prompts to open, or a text to save.
                alone = flow is not None and (flow.bare or (flow.pure and last in SAVING))
                if not alone:
                    sinks.add(flow, argument, where)
            return None
        carried = [flow for flow in flows if flow is not None and flow.kind == TEXT]
        if carried and CLEANER.search(last):
            return carried[0].cleaned(node, f"by {last}()")
        if named is not None:
            return self._followed(node, named, flows)
        return None

    def _substituted(
        self, node: ast.Call, arguments: List[ast.expr], flows: List[Optional[Flow]]
    ) -> Optional[Flow]:
        flow = flows[2] if len(flows) > 2 else None
        if flow is None:
            return None
        pattern = arguments[0]
        text = str(pattern.value) if isinstance(pattern, ast.Constant) else ""
        if "*" in text.replace(".*", "") or re.search(r"\[\^|\\W", text):
            return flow.cleaned(node, "by re.sub()")
        return Flow(TEXT, flow.pure, False, flow.raw, flow.clean)

    def _followed(
        self, node: ast.Call, named: Named, flows: List[Optional[Flow]]
    ) -> Optional[Flow]:
        """The value of a call of a function of the tree, by walking its body."""
        function = named.node
        if not isinstance(function, ast.FunctionDef) or named.module is None:
            return None
        if self.frame.depth >= MAX_DEPTH:
            return None
        given: Dict[str, Flow] = {}
        parts: Dict[str, ast.expr] = {}
        parameters = [arg.arg for arg in function.args.args]
        pairs = list(zip(parameters, node.args))
        pairs.extend((k.arg, k.value) for k in node.keywords if k.arg is not None)
        by_node = dict(zip((id(a) for a in [*node.args, *(k.value for k in node.keywords)]), flows))
        for name, argument in pairs:
            flow = by_node.get(id(argument))
            if flow is not None and flow.kind in (TEXT, SEQUENCE):
                given[name] = Flow(flow.kind, pure=True)
                parts[name] = argument
        if not given:
            return None
        returned = self._walk(named, function, given, parts, flows)
        if returned is None or returned.kind == PATH:
            return None
        if returned.raw or returned.pure:
            return Flow(returned.kind, pure=True)
        return returned.cleaned(node, f"by {function.name}()")

    def _walk(
        self,
        named: Named,
        function: ast.FunctionDef,
        given: Dict[str, Flow],
        parts: Dict[str, ast.expr],
        flows: List[Optional[Flow]],
    ) -> Optional[Flow]:
        assert named.module is not None
        Frame = type(self.frame)
        names = Names(named.module, self.frame.names.tree)
        frame = Frame(named.module, names, Sinks(), self.frame.depth + 1)
        returned = frame.call(function, given)
        # A parameter that is called a prompt is found in the function itself.
        hidden = {name: flow for name, flow in given.items() if prompt_flow(name) is None}
        if hidden and any(state != "repaired" for _, state, _ in frame.sinks.names.values()):
            inner = Frame(named.module, names, Sinks(), self.frame.depth + 1)
            inner.call(function, hidden)
            plain = Frame(named.module, names, Sinks(), self.frame.depth + 1)
            plain.call(function, {})
            if set(inner.sinks.names) - set(plain.sinks.names):
                why = f"{function.name}() makes a path of what it is given here"
                for name in hidden:
                    argument = parts[name]
                    flow = Flow(pure=True).mixed(argument).doubted(why)
                    self.frame.sinks.add(flow, argument, "")
        return returned


def tests_characters(test: ast.expr) -> bool:
    """Whether a condition looks at single characters, to leave some out."""
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and node.attr in CHARACTER_TESTS:
            return True
        if isinstance(node, ast.Compare) and any(
            isinstance(op, (ast.In, ast.NotIn)) for op in node.ops
        ):
            return True
    return False


def _holds_star(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and "*" in str(node.value)
