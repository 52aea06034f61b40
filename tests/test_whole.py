"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Optional

import pytest

from dartenv.errors import UsageFault
from dartenv.whole import whole_file


def write(path: Path, fault: Optional[BaseException]) -> None:
    with whole_file(path) as part:
        part.write_bytes(b"half")
        if fault is not None:
            raise fault


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "演示 a.bvh"
    path.write_bytes(b"old")
    with whole_file(path) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "a.bvh"
    if there:
        path.write_bytes(b"old")
    with pytest.raises(UsageFault, match=r"cannot write .*a\.bvh: No space left"):
        write(path, OSError(errno.ENOSPC, "No space left on device"))
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([b"old"] if there else [])


def test_other_faults_leave_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"cannot write .*gone"):
        write(tmp_path / "gone" / "a", None)
