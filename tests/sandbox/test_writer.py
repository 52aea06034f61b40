"""Writing the sandbox: where it may go, and that what arrives is whole."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.sandbox import writer
from dartenv.sandbox.writer import MARKER, is_sandbox, template_files, write_sandbox


class Resource:
    """A file of the template with content of our own."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read_bytes(self) -> bytes:
        return self.content


@pytest.fixture
def few(monkeypatch):
    """A template of two files, where only the writing matters."""
    given = {MARKER: b"sandbox\n", "mld/rollout_mld.py": b"print('sandbox')\n"}
    entries = [(name, Resource(content)) for name, content in given.items()]
    monkeypatch.setattr(writer, "template_files", lambda: iter(entries))
    return given


def test_written_tree_is_the_template(tmp_path):
    info = write_sandbox(tmp_path / "沙 盒 sandbox" / "deeper")

    assert info.root == tmp_path / "沙 盒 sandbox" / "deeper"
    assert is_sandbox(info.root)
    written = {
        p.relative_to(info.root).as_posix(): p.stat().st_size
        for p in info.root.rglob("*")
        if p.is_file()
    }
    assert set(written) == set(info.files)
    assert sum(written.values()) == info.size
    assert {MARKER, "README.md", "mld/rollout_mld.py", "data/stand.pkl"} <= set(written)
    assert not [name for name in written if "__pycache__" in name or name.endswith(".part")]


def test_an_empty_folder_and_a_relative_name_are_taken(few, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)

    info = write_sandbox(Path("empty"))

    assert info.root.is_absolute()
    assert is_sandbox(tmp_path / "empty")


def test_a_folder_with_other_things_is_refused_and_left_alone(few, tmp_path):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text("mine", encoding="utf-8")

    for overwrite in (False, True):
        with pytest.raises(UsageFault) as caught:
            write_sandbox(tmp_path, overwrite=overwrite)
        assert "a.txt, b.txt, c.txt and 1 more" in caught.value.found
        assert caught.value.exit_code == 2
        assert caught.value.expected
        assert caught.value.help

    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt", "c.txt", "d.txt"]


def test_a_file_is_refused(few, tmp_path):
    target = tmp_path / "sandbox"
    target.write_text("a file", encoding="utf-8")

    with pytest.raises(UsageFault, match="is a file"):
        write_sandbox(target, overwrite=True)

    assert target.read_text(encoding="utf-8") == "a file"


def test_a_folder_below_a_file_is_refused(few, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(UsageFault):
        write_sandbox(tmp_path / "file" / "sandbox")


def test_a_sandbox_is_written_over_only_on_request_and_results_stay(few, tmp_path):
    root = write_sandbox(tmp_path / "s").root
    source = root / "mld" / "rollout_mld.py"
    source.write_text("changed", encoding="utf-8")
    result = root / "results.txt"
    result.write_text("mine", encoding="utf-8")

    with pytest.raises(UsageFault, match="already is a sandbox"):
        write_sandbox(root)
    assert source.read_text(encoding="utf-8") == "changed"

    write_sandbox(root, overwrite=True)
    assert source.read_bytes() == few["mld/rollout_mld.py"]
    assert result.read_text(encoding="utf-8") == "mine"


def test_text_gets_plain_newlines_and_binaries_stay_as_they_are(tmp_path, monkeypatch):
    given = {
        MARKER: b"one\r\ntwo\r\n",
        "mld/x.py": b"a\r\nb\n",
        "mvae/args.yaml": b"a\r\n",
        "mvae/checkpoint_1.pt": b"a\r\n\x00",
        "data/stand.pkl": b"\r\n",
        "data/body.npz": b"\r\n",
    }
    monkeypatch.setattr(
        writer, "template_files", lambda: iter([(n, Resource(c)) for n, c in given.items()])
    )

    root = write_sandbox(tmp_path / "s").root

    found = {name: (root / name).read_bytes() for name in given}
    assert found[MARKER] == b"one\ntwo\n"
    assert found["mld/x.py"] == b"a\nb\n"
    assert found["mvae/args.yaml"] == b"a\n"
    assert found["mvae/checkpoint_1.pt"] == b"a\r\n\x00"
    assert found["data/stand.pkl"] == found["data/body.npz"] == b"\r\n"


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_half_written(few, tmp_path, monkeypatch):
    def refuse(self, target):
        raise PermissionError(13, "no", str(target))

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(UsageFault, match="cannot write the sandbox"):
        write_sandbox(tmp_path / "s")

    assert [p for p in (tmp_path / "s").rglob("*") if p.is_file()] == []


def test_the_order_of_the_files_is_fixed():
    names = [name for name, _ in template_files()]

    assert names == sorted(names, key=lambda name: name.split("/"))
    assert len(names) == len(set(names))
    assert not [name for name in names if "\\" in name or name.endswith(".pyc")]


def test_a_zipped_install_writes_the_same(tmp_path):
    package = Path(writer.__file__).resolve().parents[1]
    archive = tmp_path / "dartenv.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for name in ("__init__.py", "errors.py", "sandbox/__init__.py", "sandbox/writer.py"):
            bundle.write(package / name, f"dartenv/{name}")
        for name, source in template_files():
            bundle.writestr(f"dartenv/sandbox/project/{name}", source.read_bytes())
        bundle.writestr("dartenv/sandbox/project/mld/__pycache__/x.pyc", b"")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from dartenv.sandbox import writer\n"
        "assert '.zip' in writer.__file__, writer.__file__\n"
        "print(len(writer.write_sandbox(Path(sys.argv[2])).files))\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('torch', 'numpy')]\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(archive), str(tmp_path / "s")],
        cwd=str(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )

    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split()[-1]) == len(list(template_files()))
    assert (tmp_path / "s" / MARKER).is_file()
