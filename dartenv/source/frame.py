"""A function body or module walked in the order in which it runs, prompts followed on the way."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from typing import Dict, List, Optional, Sequence, Tuple, Union

from dartenv.source.flow import (
    SEQUENCE,
    TEXT,
    Env,
    Flow,
    Sinks,
    joined,
    merged,
)
from dartenv.source.flowvalues import Values, dotted_key
from dartenv.source.module import FunctionNode, Module
from dartenv.source.names import Names
from dartenv.source.swaps import SYSTEM_WORDS

Loop = Union[ast.For, ast.AsyncFor, ast.While]
_MENTION = re.compile("prompt", re.IGNORECASE)
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class Frame:
    """Names and what flows through them. ``depth`` counts the calls that led here."""

    def __init__(self, module: Module, names: Names, sinks: Sinks, depth: int = 0) -> None:
        self.module = module
        self.names = names
        self.sinks = sinks
        self.depth = depth
        self.env: Env = {}
        self.attributes: Env = {}  # self.name and the like, shared by the functions of a module
        self.returned: Optional[Flow] = None
        self.values = Values(self)
        self._pending: List[Tuple[FunctionNode, Env]] = []
        self._mentions: Optional[List[int]] = None

    def run_module(self) -> None:
        """Walk the module's body, then every function in it."""
        for _ in range(2):  # twice: a method may read what a later one stores in self
            before = dict(self.attributes)
            self.env = {}
            self._pending = []
            self.block(self.module.tree.body)
            # Functions see the module's names as they are once all of it has run.
            self._pending = [(function, self.env) for function, _ in self._pending]
            while self._pending:
                function, env = self._pending.pop()
                if env or self.attributes or self._mentioned(function):
                    self.run_function(function, env)
            if self.attributes == before:
                return

    def _mentioned(self, function: FunctionNode) -> bool:
        """Whether a prompt can come up in ``function``: into one that sees none from outside, only by
        its name, since a call without one gives none."""
        if self._mentions is None:
            source = self.module.source
            self._mentions = [source.line_of(m.start()) for m in _MENTION.finditer(source.text)]
        first = bisect_left(self._mentions, function.lineno)
        end = function.end_lineno or function.lineno
        return first < len(self._mentions) and self._mentions[first] <= end

    def run_function(self, function: FunctionNode, env: Env) -> Optional[Flow]:
        """Walk a function's body; what it returns. ``env`` is what it sees from outside."""
        outer, self.returned = self.env, None
        scope = self.module.scope_of(function.body[0])
        self.env = {name: flow for name, flow in env.items() if name not in scope.names}
        self.block(function.body)
        self.env = outer
        return self.returned

    def call(self, function: FunctionNode, flows: Dict[str, Flow]) -> Optional[Flow]:
        """Walk ``function`` with its parameters bound to ``flows``; what it returns."""
        outer, self.returned = self.env, None
        self.env = dict(flows)
        self.block(function.body)
        self.env = outer
        return self.returned

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Walk statements in order."""
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._pending.append((node, dict(self.env)))
        elif isinstance(node, ast.ClassDef):
            kept, self.env = self.env, dict(self.env)
            self.block(node.body)
            self.env = kept
        elif isinstance(node, ast.Assign):
            flow = self.value(node.value)
            for target in node.targets:
                self.assign(target, flow, node.value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.assign(node.target, self.value(node.value), node.value)
        elif isinstance(node, ast.AugAssign):
            self._augmented(node)
        elif isinstance(node, ast.If):
            self.value(node.test)
            self._branches([node.body, node.orelse], self.tells_apart(node.test))
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._loop(node, node.iter)
        elif isinstance(node, ast.While):
            self.value(node.test)
            self._loop(node, None)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.value(item.context_expr)
            self.block(node.body)
        elif isinstance(node, ast.Return):
            flow = self.value(node.value) if node.value is not None else None
            if flow is not None and node.value is not None:
                flow = flow if flow.kind != TEXT else flow.mixed(node.value)
            self.returned = joined(self.returned, flow)
        else:
            self._other(node)

    def _other(self, node: ast.stmt) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        bodies = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
        bodies.extend(h.body for h in getattr(node, "handlers", ()))
        bodies.extend(c.body for c in getattr(node, "cases", ()))
        for body in bodies:
            before = dict(self.env)
            self.block(body)
            self.env = merged(before, self.env) if not _leaves(body) else before

    def _branches(self, bodies: Sequence[Sequence[ast.stmt]], prefer_clean: bool) -> None:
        start, ends = self.env, []
        for body in bodies:
            self.env = dict(start)
            self.block(body)
            if not _leaves(body):
                ends.append(self.env)
        self.env = ends[0] if ends else dict(start)
        if len(ends) == 2:
            self.env = merged(ends[0], ends[1], prefer_clean)

    def tells_apart(self, test: ast.expr) -> bool:
        """Whether a condition is about the operating system or about forbidden characters."""
        for node in ast.walk(test):
            if isinstance(node, ast.Constant) and "*" in str(node.value):
                return True
        return SYSTEM_WORDS.search(self.module.segment(test)) is not None

    def _loop(self, node: Loop, items: Optional[ast.expr]) -> None:
        flow = self.value(items) if items is not None else None
        known: Optional[Tuple[Env, Env]] = None
        for _ in range(2):
            before = dict(self.env)
            if items is not None and not isinstance(node, ast.While):
                self.iterate(node.target, flow, items)
            begun = (dict(self.env), dict(self.attributes))
            if begun == known:  # the first round has seen it all; loops stand in loops
                self.env = before
                break
            known = begun
            self.block(node.body)
            self.env = merged(before, self.env)
        self.block(node.orelse)

    def iterate(self, target: ast.expr, flow: Optional[Flow], items: ast.expr) -> None:
        """Bind a loop's target to the elements of ``items``."""
        if isinstance(target, ast.Tuple) and isinstance(items, ast.Call):
            name = items.func.id if isinstance(items.func, ast.Name) else ""
            sources = items.args
            if name == "enumerate" and sources and len(target.elts) == 2:
                return self.iterate(target.elts[1], self.value(sources[0]), sources[0])
            if name == "zip" and len(target.elts) == len(sources):
                for part, source in zip(target.elts, sources):
                    self.iterate(part, self.value(source), source)
                return None
        element = None
        if flow is not None and flow.kind in (SEQUENCE, TEXT):
            element = flow.as_kind(TEXT)
        self.assign(target, element, items)
        return None

    def assign(self, target: ast.expr, flow: Optional[Flow], value: ast.expr) -> None:
        """Bind ``target`` to a value."""
        if isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for position, part in enumerate(target.elts):
                if len(values) == len(target.elts):
                    self.assign(part, self.value(values[position]), values[position])
                elif flow is not None and flow.kind == SEQUENCE:
                    self.assign(part, flow.as_kind(TEXT), value)
                else:
                    self.assign(part, None, value)
            return
        key = dotted_key(target)
        if key is None:
            return
        store = self.env if isinstance(target, ast.Name) else self.attributes
        if flow is None:
            self.env.pop(key, None)
        else:
            self.env[key] = flow
            if store is self.attributes:
                known = joined(self.attributes.get(key), flow)
                self.attributes[key] = known if known is not None else flow

    def _augmented(self, node: ast.AugAssign) -> None:
        flow = self.value(node.value)
        if isinstance(node.op, ast.Div):
            self.sinks.add(flow, node.value, f"becomes part of a path at line {node.lineno}")
            return
        key = dotted_key(node.target)
        if key is not None and flow is not None:
            kind = SEQUENCE if flow.kind == SEQUENCE else TEXT
            added = flow if kind == SEQUENCE else flow.mixed(node.value)
            known = joined(self.env.get(key), added, kind)
            if known is not None:
                self.env[key] = known

    def value(self, node: ast.AST) -> Optional[Flow]:
        """What is known of an expression's value."""
        return self.values.of(node)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], LEAVING)
