"""What stands in the way on real machines: links, read-only, full, open elsewhere, long, other."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dartenv.errors import FixFault, UsageFault
from dartenv.fixes.acts import Hands
from dartenv.fixes.durable import Durable
from dartenv.fixes.faults import explain
from dartenv.fixes.history import history
from dartenv.fixes.paths import inside, is_link, sha256
from dartenv.fixes.steps import MovePath, RemoveFile, WriteFile
from dartenv.longpath import native

WINDOWS = os.name == "nt"
posix = pytest.mark.skipif(WINDOWS, reason="POSIX links and modes")
windows = pytest.mark.skipif(not WINDOWS, reason="Windows file sharing")


def refused(bench, report):
    """The one reason of the one fix that was not done."""
    (result,) = report.results
    assert result.outcome.value in ("skipped", "failed")
    assert "\n" not in result.why
    assert not list(bench.root.rglob(".dartenv-*"))
    return result.why


@posix
def test_a_link_inside_the_tree_is_written_through_and_stays_a_link(bench):
    target = bench.put("real/a.py", b"old")
    link = bench.root / "a.py"
    link.symlink_to(Path("real") / "a.py")
    bench.apply(bench.edit(link, b"new"))
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    bench.undo()
    assert link.is_symlink()
    assert target.read_bytes() == b"old"


@posix
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_leads_out_of_the_tree_is_refused(bench, tmp_path, what):
    outside = tmp_path / "shared" / "a.py"
    outside.parent.mkdir()
    outside.write_bytes(b"somebody's")
    if what == "file":
        inner = bench.root / "a.py"
        inner.symlink_to(outside)
    else:
        (bench.root / "linked").symlink_to(outside.parent)
        inner = bench.root / "linked" / "a.py"
    why = refused(bench, bench.apply(bench.edit(inner, b"new")))
    assert "link leads out of" in why
    assert str(outside) in why
    new = WriteFile(
        id="w", fixes=("f",), reason="", path=str(inner.parent / "new.txt"), content=b""
    )
    if what == "folder":
        assert "link leads out of" in refused(bench, bench.apply(new))
    assert outside.read_bytes() == b"somebody's"
    assert sorted(path.name for path in outside.parent.iterdir()) == ["a.py"]


def junction(link: Path, target: Path) -> None:
    """Makes one, or skips: Wine cannot."""
    import _winapi

    try:
        _winapi.CreateJunction(str(target), str(link))
    except OSError as error:
        pytest.skip(f"no junctions here: {error}")
    if not is_link(str(link)) or not (link / "a.py").exists():
        pytest.skip("no junctions here: it was made and leads nowhere")


@windows
def test_a_junction_that_leads_out_of_the_tree_is_refused(bench, tmp_path):
    outside = tmp_path / "shared" / "a.py"
    outside.parent.mkdir()
    outside.write_bytes(b"somebody's")
    junction(bench.root / "linked", outside.parent)
    why = refused(bench, bench.apply(bench.edit(bench.root / "linked" / "a.py", b"new")))
    assert "link leads out of" in why
    assert outside.read_bytes() == b"somebody's"


@windows
def test_a_tree_that_is_itself_reached_through_a_junction_is_fine(bench, tmp_path):
    path = bench.put("a.py", b"old")
    junction(tmp_path / "linked", bench.root)
    bench.root = tmp_path / "linked"
    bench.apply(bench.edit(bench.root / "a.py", b"new"))
    assert path.read_bytes() == b"new"
    bench.undo()
    assert path.read_bytes() == b"old"


@posix
def test_a_tree_that_is_itself_reached_through_a_link_is_fine(bench, tmp_path):
    bench.put("a.py", b"old")
    linked = tmp_path / "linked"
    linked.symlink_to(bench.root)
    bench.root = linked
    bench.apply(bench.edit(linked / "a.py", b"new"))
    assert (linked / "a.py").read_bytes() == b"new"
    assert linked.is_symlink()


@posix
def test_links_are_not_removed_or_moved(bench):
    target = bench.put("a", b"x")
    link = bench.root / "l"
    link.symlink_to("a")
    common = {"id": "s", "fixes": ("f",), "reason": "", "path": str(link)}
    assert "a link" in refused(bench, bench.apply(RemoveFile(old_sha256=sha256(b"x"), **common)))
    away = MovePath(destination=str(bench.root / "b"), **common)
    assert "a link" in refused(bench, bench.apply(away))
    assert link.is_symlink()
    assert target.exists()


def test_another_name_of_a_hard_linked_file_keeps_the_old_content(bench):
    """As in conda's package cache: other environments must not change with this one."""
    path = bench.put("a.py", b"old")
    other = bench.root / "cache.py"
    os.link(str(path), str(other))
    bench.apply(bench.edit(path, b"new"))
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")
    bench.undo()
    assert (path.read_bytes(), other.read_bytes()) == (b"old", b"old")


def test_a_read_only_file_is_refused_and_stays_read_only(bench):
    path = bench.put("a.py", b"old")
    path.chmod(stat.S_IREAD)
    why = refused(bench, bench.apply(bench.edit(path, b"new")))
    assert "read-only" in why
    assert path.read_bytes() == b"old"
    assert not path.stat().st_mode & stat.S_IWRITE
    path.chmod(stat.S_IREAD | stat.S_IWRITE)


@posix
def test_a_read_only_folder_is_refused(bench):
    path = bench.put("d/a.py", b"old")
    path.parent.chmod(0o555)
    try:
        if os.access(str(path.parent), os.W_OK):
            pytest.skip("the administrator may write anywhere")
        assert "read-only" in refused(bench, bench.apply(bench.edit(path, b"new")))
    finally:
        path.parent.chmod(0o755)


@pytest.fixture
def mounted(tmp_path):
    """Mounts small file systems in memory, where this user may."""
    made = []

    def mount(name, options):
        folder = tmp_path / name
        folder.mkdir()
        argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if WINDOWS or shutil.which("mount") is None:
            pytest.skip("no mount here")
        if subprocess.run(argv, capture_output=True, check=False).returncode != 0:
            pytest.skip("this user may not mount")
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_drive_is_refused(bench, mounted):
    drive = mounted("drive", "size=1m")
    bench.root = drive / "tree"
    path = bench.put("a.py", b"old")
    step = bench.edit(path, b"new")
    subprocess.run(["mount", "-o", "remount,ro", str(drive)], check=True)
    assert "read-only" in refused(bench, bench.apply(step))


@pytest.mark.parametrize(("state_there", "size"), [(False, 390_000), (True, 150_000)])
def test_a_full_drive_takes_everything_back(bench, mounted, state_there, size):
    drive = mounted("drive", "size=400k")
    bench.root = drive / "tree"
    if state_there:
        bench.state = drive / "state"
    small = [bench.put(f"{n}.py", b"%d" % n * 9000) for n in range(4)]
    steps = [bench.edit(path, path.read_bytes() + b"more") for path in small]
    huge = bench.root / "huge.bin"
    steps.append(
        WriteFile(id="huge", fixes=("fix.one",), reason="", path=str(huge), content=b"x" * size)
    )
    other = bench.edit(bench.put("other.py", b"1"), b"2", "fix.two")
    before = bench.files()
    report = bench.apply(*steps, other)
    failed = bench.results(report)["fix.one"]
    assert failed.why == f"{huge}: no space left on its drive"
    assert set(failed.restored) == {str(path) for path in small} | {str(huge)}
    after = bench.files()
    del before["other.py"], after["other.py"]
    assert after == before
    assert (bench.root / "other.py").read_bytes() == b"2"


def test_a_state_drive_without_room_for_the_plan_changes_nothing(bench, mounted):
    bench.state = mounted("drive", "size=40k")
    path = bench.put("a", b"1")
    with pytest.raises(UsageFault, match="no space left"):
        bench.apply(bench.edit(path, b"x" * 90_000))
    assert path.read_bytes() == b"1"
    bench.apply(bench.edit(path, b"2"))  # what was begun there does not stand in the way
    assert path.read_bytes() == b"2"


def test_a_full_drive_does_not_stop_the_way_back_even_without_room_for_a_copy(bench, mounted):
    drive = mounted("drive", "size=400k")
    bench.root = drive / "tree"
    path, last = bench.put("a.bin", b"a" * 100_000), bench.put("last.py", b"1")
    before = bench.files()

    def hook(label):
        if label == "replace last.py":  # fill the drive to its last byte, then fail
            with (drive / "filler").open("wb") as filler:
                try:
                    while True:
                        filler.write(b"f" * 4096)
                        filler.flush()
                except OSError:
                    pass
            raise PermissionError(13, "open elsewhere")

    report = bench.apply(
        bench.edit(path, b"b" * 100_000), bench.edit(last, b"2"), hands=Hands(Durable(hook))
    )
    assert bench.results(report)["fix.one"].left == ()
    assert bench.files() == before


@posix
def test_a_move_to_another_drive_is_refused(bench, mounted):
    drive = mounted("drive", "size=1m")
    path = bench.put("a", b"x")
    step = MovePath(id="m", fixes=("f",), reason="", path=str(path), destination=str(drive / "a"))
    assert "another drive" in refused(bench, bench.apply(step))
    assert path.exists()


def test_a_tree_on_another_drive_than_the_state_is_repaired_and_undone(bench, mounted):
    bench.root = mounted("drive", "size=1m") / "tree"
    path = bench.put("a.py", b"old")
    before = bench.files()
    bench.apply(bench.edit(path, b"new"), verify=bench.passes)
    assert path.read_bytes() == b"new"
    bench.undo()
    assert bench.files() == before


@windows
def test_a_file_open_in_another_program_fails_and_takes_its_fix_back(bench):
    first, path = bench.put("first.py", b"1"), bench.put("open.py", b"old")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; f = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.read()",
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == b"open"
    before = bench.files()
    try:
        why = refused(bench, bench.apply(bench.edit(first, b"2"), bench.edit(path, b"new")))
        assert "open" in why
        assert bench.files() == before
        bench.apply(bench.edit(first, b"2"))
    finally:
        holder.communicate()
    bench.apply(bench.edit(path, b"new"))
    assert path.read_bytes() == b"new"


@windows
def test_an_undo_with_a_file_open_elsewhere_changes_nothing(bench):
    one, two = bench.put("1", b"1"), bench.put("2", b"2")
    bench.apply(bench.edit(one, b"A"), bench.edit(two, b"B"))
    before = bench.files()
    with one.open("rb"), pytest.raises(FixFault, match="nothing was changed"):
        bench.undo()
    assert bench.files() == before
    bench.undo()
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")


def test_a_long_path_is_written_and_undone(bench):
    deep = bench.root
    while len(str(deep)) < 300:
        deep = deep / "a-folder-with-a-rather-long-name"
    step = WriteFile(id="w", fixes=("f",), reason="", path=str(deep / "new file.txt"), content=b"x")
    report = bench.apply(step)
    assert bench.outcomes(report) == {"f": "applied"}
    assert native(step.path).read_bytes() == b"x"
    bench.undo()
    assert list(bench.root.iterdir()) == []


def test_a_name_that_is_too_long_is_one_line(bench):
    step = WriteFile(
        id="w", fixes=("f",), reason="", path=str(bench.root / ("n" * 400)), content=b"x"
    )
    assert "too long" in refused(bench, bench.apply(step)) or WINDOWS
    assert all(run.state == "rolled back" for run in history(bench.state))


@windows
def test_the_extended_form_of_long_paths():
    long = "C:\\" + "d\\" * 120 + "x"
    assert str(native(long)) == "\\\\?\\" + long
    share = "\\\\server\\share\\" + "d\\" * 120 + "x"
    assert str(native(share)) == "\\\\?\\UNC\\server\\share\\" + "d\\" * 120 + "x"
    assert str(native("C:\\short")) == "C:\\short"


def test_inside_is_about_folders_and_not_about_letters():
    sep = os.sep
    root = f"{sep}a{sep}DART"
    assert inside(f"{root}{sep}x", root)
    assert inside(root, root)
    assert not inside(f"{root}-other", root)
    assert inside(f"{root}{sep}b{sep}..{sep}x", root)
    assert not inside(f"{root}{sep}..{sep}x", root)


def test_a_refusal_of_the_system_is_one_line_that_names_the_file():
    import errno

    for number in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EXDEV, errno.EMFILE):
        text = explain(OSError(number, os.strerror(number)), "/x/主.py")
        assert text.startswith("/x/主.py: ")
        assert "\n" not in text
