"""The shadow of a tree: what is in it, and that the tree stays as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import Dict, Tuple

import pytest

from dartenv.errors import UsageFault
from dartenv.smoke import placing
from dartenv.smoke import workspace as workspace_module
from dartenv.smoke.scenario import Mirror
from dartenv.smoke.workspace import Workspace, inside, make_workspace

MIRROR = Mirror(
    skip_dirs=(".git", "runs"), data_dirs=("data",), suffixes=("", ".py", ".bin"), copy_limit=1000
)


def snapshot(root: Path) -> Dict[str, Tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    }


def write(root: Path, name: str, data: bytes = b"x") -> Path:
    path = root.joinpath(*name.split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "DART 主"
    write(root, "mld/rollout.py")
    write(root, "MARKER")
    write(root, "data/huge.py")
    write(root, "model/data/table.py")
    write(root, ".git/config")
    write(root, "runs/old.py")
    write(root, "picture.png")
    write(root, "env/pyvenv.cfg")
    write(root, "env/lib/torch.py")
    write(root, "conda env/conda-meta/history")
    write(root, "conda env/python.py")
    return root


def made(root: Path, tmp_path: Path) -> Workspace:
    return make_workspace(root, MIRROR, [tmp_path / "cache 缓存"])


def test_the_mirror_holds_source_and_neither_data_nor_environments(
    root: Path, tmp_path: Path
) -> None:
    workspace = made(root, tmp_path)
    workspace.mirror_source()
    assert sorted(snapshot(workspace.root)) == sorted(
        str(Path(*name.split("/"))) for name in ("MARKER", "mld/rollout.py", "model/data/table.py")
    )


def test_writing_into_the_workspace_leaves_the_tree_alone(root: Path, tmp_path: Path) -> None:
    before = snapshot(root)
    workspace = made(root, tmp_path)
    workspace.mirror_source()
    (workspace.root / "mld" / "rollout.py").write_bytes(b"other")
    (workspace.root / "mld" / "new.py").write_bytes(b"new")
    assert workspace.remove() is None
    assert snapshot(root) == before
    assert not workspace.root.exists()


def test_a_large_file_reads_the_same_and_survives_the_removal(root: Path, tmp_path: Path) -> None:
    source = write(root, "weights/大 file.bin", os.urandom(5000))
    content = source.read_bytes()
    workspace = made(root, tmp_path)
    workspace.add(source, PurePosixPath("weights/大 file.bin"))
    assert (workspace.root / "weights" / "大 file.bin").read_bytes() == content
    workspace.remove()
    assert source.read_bytes() == content


def test_a_read_only_file_is_placed_and_keeps_its_mode(root: Path, tmp_path: Path) -> None:
    source = write(root, "weights/locked.bin", b"y" * 5000)
    source.chmod(stat.S_IREAD)
    mode = source.stat().st_mode
    workspace = made(root, tmp_path)
    workspace.add(source, PurePosixPath("weights/locked.bin"))
    assert workspace.remove() is None
    assert not workspace.root.exists()
    assert source.stat().st_mode == mode
    source.chmod(stat.S_IREAD | stat.S_IWRITE)


def test_links_that_are_only_claimed_become_copies(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Wine's symlink does: no error, no file.
    monkeypatch.setattr(placing, "_clone", lambda source, target: False)
    monkeypatch.setattr(placing, "_symlink", placing._same)
    monkeypatch.setattr(placing, "_hardlink", placing._same)
    source = write(root, "weights/big.bin", b"z" * 5000)
    workspace = made(root, tmp_path)
    assert workspace.add(source, PurePosixPath("weights/big.bin")) == "copy"
    assert (workspace.root / "weights" / "big.bin").read_bytes() == b"z" * 5000
    assert workspace.links() == ()


def test_a_failed_attempt_leaves_nothing_in_the_way(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path) -> bool:
        target.write_bytes(b"half")
        return False

    monkeypatch.setattr(placing, "_clone", half)
    source = write(root, "weights/big.bin", b"z" * 5000)
    workspace = made(root, tmp_path)
    workspace.add(source, PurePosixPath("weights/big.bin"))
    assert (workspace.root / "weights" / "big.bin").read_bytes() == b"z" * 5000


@pytest.mark.parametrize("size", [10, 5000])
def test_a_change_of_the_users_file_is_told(root: Path, tmp_path: Path, size: int) -> None:
    source = write(root, "weights/w.bin", b"a" * size)
    workspace = made(root, tmp_path)
    workspace.add(source, PurePosixPath("weights/w.bin"))
    assert workspace.changed() == ()
    source.write_bytes(b"b" * (size + 1))
    (told,) = workspace.changed()
    assert told == f"{source}: {size} bytes before, {size + 1} after"
    source.unlink()
    assert workspace.changed() == (f"{source}: gone",)


def test_a_tree_that_links_into_itself_is_walked_once(root: Path, tmp_path: Path) -> None:
    loop = root / "mld" / "loop"
    try:
        loop.symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links for this user")
    workspace = made(root, tmp_path)
    assert workspace.mirror_source() == 3


def test_on_windows_the_workspace_is_where_long_paths_fit(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep, short = tmp_path / ("x" * 60), tmp_path / "s"
    room = 260 - 11 - len(str(short))
    fits = workspace_module._fits
    monkeypatch.setattr(workspace_module.os, "name", "nt")
    wanted = [
        (fits(parent, Mirror(longest=longest)))
        for parent in (deep, short)
        for longest in (room - 60, room - 1, room)
    ]
    monkeypatch.undo()
    assert wanted == [True, False, False, True, True, False]


def test_the_shortest_place_is_taken_where_none_fits(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace_module, "_fits", lambda parent, mirror: False)
    deep, short = tmp_path / ("x" * 60), tmp_path / "s"
    assert make_workspace(root, MIRROR, [deep, short]).root.parent == short


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("data/stand.pkl", True),
        ("a/../b", True),
        ("../outside", False),
        ("a/../../b", False),
        ("/etc/passwd", False),
        ("C:/data", False),
        ("a\\..\\..\\b", False),
    ],
)
def test_only_paths_below_the_root_are_inside(path: str, wanted: bool) -> None:
    assert inside(PurePosixPath(path)) is wanted


def test_nothing_is_placed_outside_the_workspace(root: Path, tmp_path: Path) -> None:
    workspace = made(root, tmp_path)
    with pytest.raises(UsageFault, match="leads out of the DART root"):
        workspace.add(root / "MARKER", PurePosixPath("../MARKER"))
