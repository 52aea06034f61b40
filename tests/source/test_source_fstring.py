from __future__ import annotations

import ast
import itertools

import pytest

from dartenv.source.module import Module

LITERALS = [
    "f'{target}'",
    "f'a {target} b {other} c {target!r:>{target}}'",
    'f"{target:{other}.{target}f}"',
    "f'''\n  {target}\n{other} 步 {target}\n'''",
    "'plain {target}' f'{(target)}' rf'\\d{target}'",
    "f'{{no}} {target} {{'",
    "f'{ target }'",
    "f'{d[\"k\"]} {target}'",
    "f'{(lambda: target)()}'",
    "f'{f\"{target}\"} {target}'",
    "f'{[target for target in ()]}'",
    "('x'\n    f'{target}'\n    f'{other}{target}')",
    "f'{target=}'",
    "f'{1, target}'",
]


@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize("prefix", ["a = ", "步 = call(x, ", "if a:\r\n\tb = "])
def test_names_inside_are_found_where_they_stand(literal: str, prefix: str) -> None:
    text = prefix + literal + (")" if prefix.count("(") else "")
    module = Module("m.py", text.encode("utf-8"))
    places = []
    for name in module.nodes(ast.Name):
        start, end = module.span(name)
        assert module.source.text[start:end] == name.id
        places.append(start)
    assert len(set(places)) == len(places), "two names at one place"
    count = sum(n.id == "target" for n in module.nodes(ast.Name))
    assert count == text.replace("plain {target}", "").count("target")


def test_the_outer_literal_keeps_its_place() -> None:
    module = Module("m.py", b"a = f'{b}' + f'{c}'\n")
    spans = [module.span(node) for node in module.nodes(ast.JoinedStr)]
    assert [module.source.text[a:b] for a, b in spans] == ["f'{b}'", "f'{c}'"]


def test_places_inside_do_not_cross() -> None:
    module = Module("m.py", b"x = f'{a + b} {c}'\n")
    spans = sorted(module.span(n) for n in module.nodes(ast.Name) if n.id in "abc")
    assert all(first[1] <= second[0] for first, second in itertools.combinations(spans, 2))
