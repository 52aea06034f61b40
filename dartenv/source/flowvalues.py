"""What is known of an expression's value, where prompts are followed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Union

from dartenv.source.flow import PATH, SEQUENCE, TEXT, Flow, joined, prompt_flow
from dartenv.source.flowcalls import Calls, tests_characters

if TYPE_CHECKING:
    from dartenv.source.frame import Frame

Comprehension = Union[ast.ListComp, ast.GeneratorExp, ast.SetComp]
Display = Union[ast.List, ast.Tuple, ast.Set]


class Values:
    """The expressions of one frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.calls = Calls(frame)

    def of(self, node: ast.AST) -> Optional[Flow]:
        """What is known of an expression's value."""
        # Every expression of a file passes here, those of a loop twice: one look-up each.
        return _BY_KIND.get(type(node), Values._others)(self, node)

    def _nothing(self, node: ast.AST) -> Optional[Flow]:
        return None

    def _others(self, node: ast.AST) -> Optional[Flow]:
        for child in ast.iter_child_nodes(node):
            self.of(child)
        return None

    def _call(self, node: ast.Call) -> Optional[Flow]:
        return self.calls.value(node)

    def _choice(self, node: ast.IfExp) -> Optional[Flow]:
        self.of(node.test)
        flows = [self._part(node.body), self._part(node.orelse)]
        if self.frame.tells_apart(node.test):
            clean = [f for f in flows if f is not None and f.clean and not f.raw]
            return clean[0] if clean else joined(flows[0], flows[1])
        return joined(flows[0], flows[1])

    def _either(self, node: ast.BoolOp) -> Optional[Flow]:
        result: Optional[Flow] = None
        for part in node.values:
            result = joined(result, self._part(part))
        return result

    def _starred(self, node: ast.Starred) -> Optional[Flow]:
        return self.of(node.value)

    def _walrus(self, node: ast.NamedExpr) -> Optional[Flow]:
        flow = self.of(node.value)
        self.frame.assign(node.target, flow, node.value)
        return flow

    def _part(self, node: ast.expr) -> Optional[Flow]:
        flow = self.of(node)
        return flow.mixed(node) if flow is not None and flow.kind == TEXT else flow

    def _named(self, node: ast.AST) -> Optional[Flow]:
        key = dotted_key(node)
        last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        known = self.frame.env.get(key) if key is not None else None
        if known is None and key is not None:
            known = self.frame.attributes.get(key)
        named = prompt_flow(last)
        if named is not None:
            cleaned = known is not None and bool(known.clean) and not known.raw and not known.pure
            return known if cleaned else named
        if known is None and isinstance(node, ast.Attribute):
            base = self.of(node.value)
            if base is not None and base.kind == PATH and node.attr in ("name", "stem"):
                return Flow(TEXT, pure=True)
        return known

    def _subscript(self, node: ast.Subscript) -> Optional[Flow]:
        index: ast.AST = node.slice
        index = getattr(index, "value", index) if type(index).__name__ == "Index" else index
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            self.of(node.value)
            return prompt_flow(index.value)
        flow = self.of(node.value)
        self.of(index)
        if flow is None or flow.kind == PATH:
            return None
        if flow.kind == SEQUENCE:
            return flow if isinstance(index, ast.Slice) else flow.as_kind(TEXT)
        return Flow(TEXT, flow.pure, False, flow.raw, flow.clean)

    def _operation(self, node: ast.BinOp) -> Optional[Flow]:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Div):
            where = f"becomes part of a path at line {node.lineno}"
            self.frame.sinks.add(right, node.right, where)
            self.frame.sinks.add(left, node.left, where)
            return None
        if isinstance(node.op, ast.Mult):
            return joined(left, right)
        if not isinstance(node.op, (ast.Add, ast.Mod)):
            return None
        parts = [
            flow.mixed(side) if flow is not None and flow.kind == TEXT else flow
            for flow, side in ((left, node.left), (right, node.right))
        ]
        sequence = isinstance(node.op, ast.Add) and any(
            flow is not None and flow.kind == SEQUENCE for flow in parts
        )
        flow = joined(parts[0], parts[1], SEQUENCE if sequence else TEXT)
        return flow if flow is None or flow.kind in (SEQUENCE, TEXT) else None

    def _fstring(self, node: ast.JoinedStr) -> Optional[Flow]:
        result: Optional[Flow] = None
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                flow = self.of(part.value)
                if part.format_spec is not None:
                    self.of(part.format_spec)
                if flow is not None:
                    flow = flow.mixed(part.value)
                    if part.conversion in (114, 97):  # !r, !a, and what {name=} writes
                        flow = flow.doubted("its repr, with quotes, is what becomes part of it")
                    result = joined(result, flow, TEXT)
        return result

    def _display(self, node: Display) -> Optional[Flow]:
        elements = node.elts
        flows = [self.of(element) for element in elements]
        if flows and all(f is not None and f.pure and f.kind == TEXT for f in flows):
            return Flow(SEQUENCE, pure=True)
        result: Optional[Flow] = None
        for element, flow in zip(elements, flows):
            if flow is not None:
                result = joined(result, flow.mixed(element), SEQUENCE)
        return result.as_kind(SEQUENCE) if result is not None else None

    def _comprehension(self, node: Comprehension) -> Optional[Flow]:
        kept = dict(self.frame.env)
        filtered = letters = False
        for generator in node.generators:
            items = self.of(generator.iter)
            letters = items is not None and items.kind == TEXT
            self.frame.iterate(generator.target, items, generator.iter)
            for test in generator.ifs:
                self.of(test)
                filtered = filtered or (letters and tests_characters(test))
        flow = self.of(node.elt)
        replaced = letters and isinstance(node.elt, ast.IfExp) and tests_characters(node.elt.test)
        self.frame.env = kept
        if flow is None:
            return None
        if filtered or replaced:
            return flow.as_kind(SEQUENCE).cleaned(node, "character by character")
        return Flow(SEQUENCE, flow.pure, False, flow.raw, flow.clean)


_BY_KIND: Dict[type, Callable[[Values, Any], Optional[Flow]]] = {
    ast.Name: Values._named,
    ast.Attribute: Values._named,
    ast.Call: Values._call,
    ast.Subscript: Values._subscript,
    ast.BinOp: Values._operation,
    ast.JoinedStr: Values._fstring,
    ast.IfExp: Values._choice,
    ast.BoolOp: Values._either,
    ast.List: Values._display,
    ast.Tuple: Values._display,
    ast.Set: Values._display,
    ast.ListComp: Values._comprehension,
    ast.GeneratorExp: Values._comprehension,
    ast.SetComp: Values._comprehension,
    ast.Starred: Values._starred,
    ast.NamedExpr: Values._walrus,
    ast.Constant: Values._nothing,
    ast.Lambda: Values._nothing,
}


def dotted_key(node: ast.AST) -> Optional[str]:
    """``a.b.c`` as a key; ``None`` for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted_key(node.value)
        return f"{base}.{node.attr}" if base is not None else None
    return None
