from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import msgspec
import pytest

from dartenv.facts.model import SourceFacts
from dartenv.facts.runner import Completed
from dartenv.facts.source import probe_source
from dartenv.manifests.schema import NumpyAlias, Tree
from dartenv.source.spec import SourceSpec

COMMIT = "1234567890abcdef1234567890abcdef12345678"
TREE = Tree(
    id="t",
    title="t",
    source="t",
    kind="demo",
    markers=("run/go.py", "conf/paths.py", "lib/maths.py"),
    entry_points=("run.go",),
    data_paths="conf/paths.py",
    body_model_name="models",
    skip_dirs=("wandb",),
)
SANDBOX = Tree(
    id="s", title="s", source="s", kind="sandbox", markers=("run/go.py",), marker_file="IS_SANDBOX"
)
SPEC = SourceSpec(
    trees=(TREE, SANDBOX),
    aliases=(NumpyAlias(name="float", removed_in="1.24", replacement="float"),),
    args_file="args.yaml",
)
FILES = {
    "run/go.py": "import lib.maths\nimport torch\ndef load(p):\n    return torch.load(p)\n",
    "conf/paths.py": "from pathlib import Path\nmodels = Path('data') / 'smplx'\n",
    "lib/maths.py": "import numpy as np\nEPS = np.finfo(np.float).eps\ndef f():\n    return np.float\n",
    "lib/unused.py": "import numpy as np\nx = np.float\n",
    "lib/called.py": "import numpy as np\ndef f():\n    return np.float\ny = f()\n",
    "wandb/old.py": "import numpy as np\nx = np.float\n",
    "lib/broken.py": "import numpy as np\nx = (np.float\n",
    "lib/unread.py": "no fault is looked for in here (",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "步行 tree", FILES)


def make(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8"))
    return folder


def test_a_tree_is_told_with_its_faults(root: Path) -> None:
    facts = probe_source(str(root), SPEC)
    assert (facts.kind, facts.exists, facts.is_dir, facts.writable) == ("demo", True, True, True)
    assert facts.markers_found == TREE.markers
    assert facts.closure == {"run.go": 1}
    assert facts.newline == "lf"
    assert facts.python_files == 7
    assert facts.body_model_dir == "data/smplx"
    assert facts.body_model_location is not None
    assert facts.body_model_location.line == 2
    assert [problem.path for problem in facts.problems] == ["lib/broken.py"]
    by_place = {(x.path, x.line): x for x in facts.numpy_aliases}
    assert set(by_place) == {
        ("lib/maths.py", 2),
        ("lib/maths.py", 4),
        ("lib/unused.py", 2),
        ("lib/called.py", 3),
    }
    failing = by_place["lib/maths.py", 2]
    assert (failing.live, failing.at_import, failing.via) == (True, True, ("run.go", "lib.maths"))
    assert failing.text == "EPS = np.finfo(np.float).eps"
    inside = by_place["lib/maths.py", 4]
    assert (inside.live, inside.at_import) == (False, False)
    assert "only when its function is called" in inside.note
    assert not by_place["lib/unused.py", 2].live
    (load,) = facts.torch_load
    assert (load.live, load.at_import, load.state) == (True, False, "needed")


def test_a_function_called_as_the_file_is_imported_fails_there(root: Path) -> None:
    make(root, {"run/go.py": "import lib.called\n"})
    facts = probe_source(str(root), SPEC)
    (location,) = [x for x in facts.numpy_aliases if x.path == "lib/called.py"]
    assert location.live


def test_main_blocks_run_in_the_entry_point_only(root: Path) -> None:
    guarded = "import numpy as np\nif __name__ == '__main__':\n    x = np.float\n"
    make(root, {"run/go.py": guarded + "import lib.maths\n", "lib/maths.py": guarded})
    live = {x.path: x.live for x in probe_source(str(root), SPEC).numpy_aliases}
    assert live["run/go.py"]
    assert not live["lib/maths.py"]


def test_facts_can_be_written_and_read_back(root: Path) -> None:
    facts = probe_source(str(root), SPEC)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=SourceFacts) == facts


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "odd"])
def test_what_is_no_tree(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "root"
    if kind == "file":
        place.write_bytes(b"")
    elif kind == "empty":
        place.mkdir()
    name = "bad\0name" if kind == "odd" else str(place)
    facts = probe_source(name, SPEC)
    assert facts.exists == (kind in ("file", "empty"))
    assert facts.is_dir == (kind == "empty")
    assert facts.kind is None
    if kind == "empty":
        assert facts.markers_missing == TREE.markers
        assert facts.python_files == 0


def test_a_folder_that_is_no_tree_is_not_searched(tmp_path: Path) -> None:
    make(tmp_path, {"lib/maths.py": FILES["lib/maths.py"]})
    facts = probe_source(str(tmp_path), SPEC)
    assert facts.kind is None
    assert facts.markers_found == ("lib/maths.py",)
    assert facts.numpy_aliases == ()


def test_most_markers_make_a_tree_and_the_rest_are_told(root: Path) -> None:
    (root / "lib" / "maths.py").unlink()
    facts = probe_source(str(root), SPEC)
    assert (facts.kind, facts.markers_missing) == ("demo", ("lib/maths.py",))


def test_the_marker_file_comes_first(root: Path) -> None:
    make(root, {"IS_SANDBOX": ""})
    assert probe_source(str(root), SPEC).kind == "sandbox"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"run/go.py": "a = 1\r\n", "conf/paths.py": "", "lib/maths.py": "b = 1\r\n"}, "crlf"),
        ({"run/go.py": "a = 1\r\nb = 2\n", "conf/paths.py": "", "lib/maths.py": ""}, "mixed"),
        ({"run/go.py": "", "conf/paths.py": "", "lib/maths.py": ""}, None),
    ],
)
def test_newlines(tmp_path: Path, files: Dict[str, str], expected: Optional[str]) -> None:
    assert probe_source(str(make(tmp_path, files)), SPEC).newline == expected


def test_a_read_only_file_that_needs_a_repair_is_told(root: Path) -> None:
    place = root / "lib" / "maths.py"
    place.chmod(0o444)
    try:
        if os.access(str(place), os.W_OK):
            pytest.skip("this user may write everything")
        assert probe_source(str(root), SPEC).writable is False
    finally:
        place.chmod(0o644)


class GitRunner:
    """Answers ``git status`` and remembers how it was asked."""

    def __init__(self, answer: Completed) -> None:
        self.answer = answer
        self.calls: List[Sequence[str]] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        self.calls.append(argv)
        assert env is not None
        assert env["GIT_OPTIONAL_LOCKS"] == "0"
        return self.answer


@pytest.mark.parametrize(
    ("files", "revision"),
    [
        ({".git/HEAD": f"{COMMIT}\n"}, COMMIT),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{COMMIT}\n"}, COMMIT),
        (
            {
                ".git/HEAD": "ref: refs/heads/a/b\n",
                ".git/packed-refs": f"# pack\n{'0' * 40} refs/heads/b\n{COMMIT} refs/heads/a/b\n^{'1' * 40}\n",
            },
            COMMIT,
        ),
        ({".git/HEAD": "ref: refs/heads/new\n"}, None),
        ({".git/HEAD": "ref: ../../secret\n", "secret": COMMIT}, None),
        ({".git/HEAD": "nonsense"}, None),
        ({".git": "gitdir: real-git\n", "real-git/HEAD": f"{COMMIT}\n"}, COMMIT),
        (
            {
                ".git": "gitdir: wt\n",
                "wt/HEAD": "ref: refs/heads/x\n",
                "wt/commondir": "../main-git\n",
                "main-git/refs/heads/x": COMMIT,
            },
            COMMIT,
        ),
        ({".git": "something else"}, None),
        ({}, None),
    ],
)
def test_the_revision_is_read_from_gits_files(
    root: Path, files: Dict[str, str], revision: Optional[str]
) -> None:
    assert probe_source(str(make(root, files)), SPEC).git_revision == revision


@pytest.mark.parametrize(
    ("config", "remote"),
    [
        ('[remote "origin"]\n\turl = https://example.org/a.git\n', "https://example.org/a.git"),
        ('[remote "origin"]\n\turl = https://me:secret@example.org/a\n', "https://example.org/a"),
        ('[remote "origin"]\n\turl = git@example.org:a.git\n', "git@example.org:a.git"),
        ('[remote "other"]\n\turl = https://example.org/b\n', None),
        ("[core]\n\tbare = false\n", None),
    ],
)
def test_the_remote_is_told_without_secrets(root: Path, config: str, remote: Optional[str]) -> None:
    make(root, {".git/HEAD": COMMIT, ".git/config": config})
    assert probe_source(str(root), SPEC).git_remote == remote


def test_changed_files_are_asked_of_git(root: Path) -> None:
    make(root, {".git/HEAD": COMMIT})
    out = " M lib/maths.py\0R  new.py\0old.py\0 M 步行.py\0".encode()
    runner = GitRunner(Completed(["git"], 0, out))
    facts = probe_source(str(root), SPEC, runner, "/bin/git")
    assert facts.git_dirty == ("lib/maths.py", "new.py", "步行.py")
    assert "core.fsmonitor=false" in runner.calls[0]


def test_git_is_not_run_without_a_repository_and_its_failure_is_no_answer(root: Path) -> None:
    runner = GitRunner(Completed(["git"], 128, b"", b"fatal"))
    assert probe_source(str(root), SPEC, runner, "/bin/git").git_dirty is None
    assert runner.calls == []
    make(root, {".git/HEAD": COMMIT})
    assert probe_source(str(root), SPEC, runner, "/bin/git").git_dirty is None
    assert len(runner.calls) == 1
    assert probe_source(str(root), SPEC).git_dirty is None


def test_the_probe_runs_nothing_of_the_tree(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, {"run/go.py": "raise SystemExit('executed')\n"})

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert probe_source(str(root), SPEC).kind == "demo"


def test_a_folder_that_may_not_be_looked_into_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Any, *more: Any, **words: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    for name in ("stat", "scandir", "listdir"):
        monkeypatch.setattr(os, name, denied)
    found = probe_source(str(root), SPEC)
    assert [p.reason for p in found.problems] == ["cannot be read: Permission denied"]
