"""Everything in one folder for a machine without a network: filled, broken, filled again, used."""

from __future__ import annotations

import errno
import http.server
import os
import shutil
import tarfile
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from dartenv.bootstrap.whole import bring, drop_broken, is_whole
from tests.bootstrap.conftest import MINOR, Tiny
from tests.bootstrap.test_bootstrap_whole import WHOLE, elsewhere, packages
from tests.install.made_wheels import make_wheel


@pytest.fixture
def address(tiny: Tiny) -> Iterator[str]:
    """DART's archive on a server; what is asked for is written down."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = tiny.source.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/zip")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/DART-main.zip"
    server.shutdown()
    server.server_close()
    thread.join()


def names(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


FILES = [
    "DART-source.zip",
    "left_hand-2.0-py3-none-any.whl",
    "palm-1.5-py3-none-any.whl",
    "torch-9.9.0-py3-none-any.whl",
]


@elsewhere
def test_a_filled_folder_is_all_that_the_other_machine_needs(tiny: Tiny, address: str) -> None:
    filled = tiny.folder / "wheels"
    first = tiny.run("--download-only", "--dart", address)
    assert first.returncode == 0, first.stdout.decode("utf-8", "replace")
    assert names(filled) == FILES
    assert names(tiny.folder) == ["wheels"]

    # Killed in the middle of a file: the piece stands under the file's own name.
    torch = filled / FILES[-1]
    torch.write_bytes(torch.read_bytes()[:-30])
    second = tiny.run("--download-only", "--dart", "http://127.0.0.1:1/never-asked.zip")
    said = second.stdout.decode("utf-8", "replace")
    assert second.returncode == 0, said
    assert f"{torch.name}: not whole" in said
    assert names(filled) == FILES
    assert is_whole(torch)

    carried = tiny.base / "stick"
    shutil.move(str(filled), str(carried))
    shutil.rmtree(str(tiny.folder))
    shutil.rmtree(str(tiny.wheels))
    tiny.source.unlink()
    tiny.wheels = carried
    plain = tiny.command()
    where = plain.index("--dart")
    done = tiny.start([*plain[:where], *plain[where + 2 :]])
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
    assert packages(tiny) == WHOLE
    assert (tiny.folder / "DART" / "mld" / "rollout_mld.py").is_file()


def test_a_dry_run_says_what_would_come_and_brings_nothing(tiny: Tiny) -> None:
    done = tiny.run("--download-only", "--dry-run", "--dart", "https://example.org/DART.zip")
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said
    assert "packages: 2 packages" in said
    assert "torch: 1 package" in said
    assert "DART-source.zip: from https://example.org/DART.zip" in said
    assert not tiny.folder.exists()
    assert not tiny.state.exists()


@elsewhere
def test_a_file_that_is_not_the_locked_one_is_refused(tiny: Tiny) -> None:
    make_wheel(tiny.wheels, "palm", "1.5", {"palm.py": "EVIL = 1\n"})
    done = tiny.run("--download-only")
    said = " ".join(done.stdout.decode("utf-8", "replace").split())
    assert done.returncode == 4
    assert "palm==1.5" in said
    assert "sha256" in said
    assert "palm-1.5-py3-none-any.whl" not in names(tiny.folder / "wheels")


@elsewhere
def test_a_python_without_a_lock_is_refused_with_those_that_have_one(tiny: Tiny) -> None:
    done = tiny.run("--download-only", "--python", "3.7")
    said = " ".join(done.stdout.decode("utf-8", "replace").split())
    assert done.returncode == 2
    assert "no lock of profile tiny for Python 3.7" in said
    assert f"--python {MINOR}" in said
    done = tiny.run("--download-only", "--python", str(tiny.base / "python"))
    assert done.returncode == 2
    assert b"no Python that runs" in done.stdout


def test_what_is_in_the_way_is_named(tiny: Tiny) -> None:
    tiny.folder.mkdir()
    (tiny.folder / "wheels").write_text("mine", encoding="utf-8")
    done = tiny.run("--download-only")
    assert done.returncode == 4
    assert b"wheels" in done.stdout
    assert b"Traceback" not in done.stdout


def test_archives_that_end_too_early_go_and_others_stay(tmp_path: Path) -> None:
    whole = make_wheel(tmp_path, "palm", "1.5", {"palm.py": "A = 1\n"})
    sources = tmp_path / "left-1.0.tar.gz"
    with tarfile.open(str(sources), "w:gz") as archive:
        archive.add(str(whole), "left-1.0/" + whole.name)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert drop_broken(tmp_path) == []
    for path in (whole, sources):
        data = path.read_bytes()
        for length in (0, 1, len(data) // 2, len(data) - 1):
            broken = tmp_path / f"cut{length}-{path.name}"
            broken.write_bytes(data[:length])
            assert drop_broken(tmp_path) == [broken.name], length
    (tmp_path / "clip-source.zip.part").write_bytes(b"PK")
    assert drop_broken(tmp_path) == ["clip-source.zip.part"]
    assert names(tmp_path) == sorted([sources.name, "notes.txt", whole.name])


def test_a_download_comes_whole_from_another_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.zip", tmp_path / "b.zip"
    source.write_bytes(b"new")
    target.write_bytes(b"old")

    def rename(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", rename)
    bring(source, target)
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["b.zip"]
