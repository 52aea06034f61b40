"""What the patch tests share: a context, and a check that every patch result must pass."""

from __future__ import annotations

import io
import tokenize
from typing import Any, Callable, List, Optional, Tuple

import pytest

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.result import PatchResult
from dartenv.manifests.schema import NumpyAlias, Tree
from dartenv.source.spec import SourceSpec
from dartenv.source.text import SourceText
from dartenv.source.tree import SourceTree

ALIASES = (
    NumpyAlias(name="float", removed_in="1.24", replacement="float"),
    NumpyAlias(name="int", removed_in="1.24", replacement="int"),
    NumpyAlias(name="long", removed_in="1.24", replacement="int"),
    NumpyAlias(name="infty", removed_in="2.0", replacement="np.inf"),
    NumpyAlias(name="NINF", removed_in="2.0", replacement="-np.inf"),
    NumpyAlias(name="cast", removed_in="2.0", replacement=""),
)
TREE = Tree(
    id="t",
    title="t",
    source="t",
    kind="demo",
    markers=("paths.py",),
    data_paths="paths.py",
    body_model_name="models",
)
SPEC = SourceSpec(trees=(TREE,), aliases=ALIASES, args_file="args.yaml")

Run = Callable[..., PatchResult]


def comments(data: bytes) -> List[str]:
    source = SourceText(data)
    stream = io.StringIO(source.text.replace("\r\n", "\n").replace("\r", "\n"))
    tokens = tokenize.generate_tokens(stream.readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def lines(data: bytes) -> List[str]:
    source = SourceText(data)
    return [source.line(number) for number in range(1, source.line_of(len(source.text)) + 1)]


def is_subsequence(part: List[str], whole: List[str]) -> bool:
    rest = iter(whole)
    return all(any(item == other for other in rest) for item in part)


def check(old: bytes, result: PatchResult, again: PatchResult) -> None:
    """What holds for every patch of every file."""
    assert again.data == result.data, "a second patch changed something"
    assert again.edits == ()
    if not result.edits:
        assert result.data == old
        return
    compile(result.data, "patched.py", "exec")
    changed = {
        edit.line + offset
        for edit in result.edits
        if edit.before or edit.lines > 1
        for offset in range(edit.lines)
    }
    kept = [line for number, line in enumerate(lines(old), 1) if number not in changed]
    if kept and not kept[-1].endswith(("\n", "\r")):
        kept = kept[:-1]  # a last line without an end may have been given one
    assert is_subsequence(kept, lines(result.data)), "a line without an edit changed"
    assert is_subsequence(comments(old), comments(result.data)), "a comment was lost"
    assert (old[:3] == b"\xef\xbb\xbf") == (result.data[:3] == b"\xef\xbb\xbf")


@pytest.fixture
def run() -> Run:
    def patched(
        patch: Patch[Any],
        text: str | bytes,
        path: str = "pkg/mod.py",
        tree: Optional[SourceTree] = None,
        folder: Optional[str] = None,
        root: str = "",
    ) -> PatchResult:
        data = text if isinstance(text, bytes) else text.encode("utf-8")
        context = PatchContext(SPEC, path, tree, root, folder)
        result = patch.run(data, context)
        check(data, result, patch.run(result.data, context))
        return result

    return patched


@pytest.fixture
def spec() -> SourceSpec:
    return SPEC


@pytest.fixture
def context() -> PatchContext:
    return PatchContext(SPEC)


Case = Tuple[str, str]
