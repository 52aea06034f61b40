"""``dartenv assets`` and the repairs that bring assets, against a server on loopback."""

from __future__ import annotations

import collections
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pickle
import random
import struct
import sys
import tarfile
import types
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List

import pytest

from dartenv.manifests.loader import Manifests

HERE = Path(__file__).resolve().parent
WORD = "pass-word-0815"
BIG = random.Random(3).getrandbits(8 * 200_000).to_bytes(200_000, "little")
CLIP = (HERE.parent / "fixtures" / "torch" / "script.pt").read_bytes()
BODIES = "data/smplx-models"
MANIFEST = """
id = "dart"
title = "assets of a small tree"
source = "test"
body_model_dir = "data/smplx-models"

[[files]]
id = "scene"
role = "scene"
path = "data/scenes/演示/scene.json"
source = "test"

[[files]]
id = "stand"
role = "motion"
form = "pickle"
keys = ["transl"]
path = "data/stand.pkl"
source = "test"

[[bodies]]
id = "smplx"
role = "smplx"
folder = "smplx"
files = { smplx-male = "SMPLX_MALE.npz" }
source = "test"
[bodies.arrays]
v_template = [-1, 3]

[[bodies]]
id = "smplh"
role = "smplh"
folder = "smplh"
form = "pickle"
files = { smplh-male = "SMPLH_MALE.pkl" }
optional = true
source = "test"
[bodies.arrays]
v_template = [-1, 3]
hands_componentsl = [-1, -1]

[clip]
id = "clip"
path = "~/.cache/clip/ViT-B-32.pt"
size = @CLIP_SIZE@
sha256 = "@CLIP_SHA@"
url = "@URL@/clip"
context = 77
vocabulary = 49408
width = 512
embedding = 512
layers = 12
source = "test"

[[others]]
id = "texts"
title = "a file that no check reads"
path = "data/texts.bin"
megabytes = 0.2
source = "test"

[[downloads]]
id = "drive"
kind = "drive-folder"
url = "https://drive.example/folders/x"
gives = ["scene", "stand", "texts"]
file_url = "@URL@/drive-{id}"
page = "https://drive.example/folders/x"
tree = ["data"]
source = "test"

[[downloads]]
id = "clip-file"
kind = "http"
url = "@URL@/clip"
file = "ViT-B-32.pt"
gives = ["clip"]
size = @CLIP_SIZE@
sha256 = "@CLIP_SHA@"
source = "test"

[[downloads]]
id = "smplx-zip"
kind = "login"
url = "@URL@/smplx?domain=smplx"
file = "smplx_lockedhead_x.zip"
files = ["smplx_lockedhead_*.zip"]
page = "https://body.example/download"
login = "smplx"
licence = "research only"
gives = ["smplx-male"]
source = "test"
[[downloads.sort]]
ending = "smplx/SMPLX_MALE.npz"
to = "{bodies}/smplx/SMPLX_MALE.npz"

[[downloads]]
id = "smplh-tar"
kind = "login"
url = "@URL@/smplh"
file = "smplh.tar.xz"
files = ["smplh*.tar.xz"]
page = "https://hands.example"
login = "mano"
gives = ["smplh-male"]
manual = true
source = "test"
[[downloads.sort]]
ending = "SMPLH_MALE.pkl"
to = "{bodies}/smplh/SMPLH_MALE.pkl"
[downloads.merge]
bodies = { "{bodies}/smplh/SMPLH_MALE.pkl" = "male/model.npz" }
hands = ["MANO_LEFT.pkl", "MANO_RIGHT.pkl"]
arrays = ["hands_components", "hands_mean"]
hands_from = "mano-zip"
source = "test"

[[downloads]]
id = "mano-zip"
kind = "login"
url = "@URL@/mano"
file = "mano.zip"
files = ["mano*.zip"]
page = "https://hands.example"
login = "mano"
gives = ["smplh-male"]
manual = true
source = "test"

[[downloads]]
id = "addon"
kind = "login"
url = "@URL@/addon"
file = "smplx_blender_addon.zip"
files = ["smplx_blender_addon*.zip"]
keep = ".blend"
page = "https://body.example/download"
login = "smplx"
gives = []
manual = true
source = "test"
"""


def _server_module() -> types.ModuleType:
    name = "fetch_tests_server"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, HERE.parent / "fetch" / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def npy(rows: int) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 3), }}".encode()
    header += b" " * (117 - len(header) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * rows * 12


def zipped(members: Dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


BODY = zipped({"v_template.npy": npy(5)})
BODY_ZIP = zipped(
    {"models_lockedhead/smplx/SMPLX_MALE.npz": BODY, "models_lockedhead/md5.txt": b""}
)


class Bench:
    """A small DART tree, a home folder, a server, and dartenv's command line."""

    def __init__(self, folder: Path, server: Any, fault: Any, cli: Any) -> None:
        self.root = folder / "演示 空间" / "DART-main"
        self.home = folder / "home 家"
        self.downloads = self.home / "Downloads"
        self.state = folder / "state"
        self.server = server
        self._fault = fault
        self._cli = cli
        for marker in next(t for t in Manifests().trees() if t.kind == "dart").markers:
            path = self.root / marker
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")
        (self.root / "config_files" / "data_paths.py").write_text(
            f"from pathlib import Path\nbody_model_dir = Path('{BODIES}')\n", encoding="utf-8"
        )
        self.downloads.mkdir(parents=True)
        self.manifests = folder / "manifests"
        (self.manifests / "assets").mkdir(parents=True)
        text = MANIFEST.replace("@URL@", server.url("").rstrip("/"))
        text = text.replace("@CLIP_SIZE@", str(len(CLIP)))
        text = text.replace("@CLIP_SHA@", hashlib.sha256(CLIP).hexdigest())
        (self.manifests / "assets" / "dart.toml").write_text(text, encoding="utf-8")
        self.clip = self.home / ".cache" / "clip" / "ViT-B-32.pt"
        self.body = self.root / BODIES / "smplx" / "SMPLX_MALE.npz"

    def serve(self, name: str, body: bytes, **more: Any) -> None:
        self.server.files[name] = self._fault(body, **more)

    def __call__(self, *arguments: Any) -> Any:
        return self._cli(*arguments, "--dart-root", self.root, "--manifests", self.manifests)

    def assets(self, *arguments: Any) -> Any:
        return self("assets", *arguments)

    def states(self) -> Dict[str, str]:
        done = self.assets("verify", "--format", "json")
        return {item["asset"]["id"]: item["state"] for item in json.loads(done.out)["assets"]}

    def files(self) -> Dict[str, bytes]:
        every = [p for p in self.root.rglob("*") if p.is_file()]
        every += [p for p in (self.home / ".cache").rglob("*") if p.is_file()]
        return {str(p): p.read_bytes() for p in every}

    def put(self, name: str, data: bytes) -> Path:
        path = self.downloads / name
        path.write_bytes(data)
        return path


@pytest.fixture
def bench(tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home 家"))
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"DARTENV_SMPLX_{name}", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)
    module = _server_module()
    gdown = types.ModuleType("gdown")
    gdown.__spec__ = importlib.machinery.ModuleSpec("gdown", None)
    names = ["data/scenes/演示/scene.json", "data/stand.pkl", "data/texts.bin"]

    def download_folder(url: str, output: str, quiet: bool, skip_download: bool) -> List[Any]:
        return [SimpleNamespace(id=str(n), path=f"DART/{name}") for n, name in enumerate(names)]

    gdown.download_folder = download_folder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gdown", gdown)
    with module.FaultServer() as server:
        yield Bench(tmp_path, server, module.Fault, cli)


def served(bench: Bench) -> None:
    bench.serve("clip", CLIP, drops=[len(CLIP) // 2])
    bench.serve("drive-0", b"{}")
    bench.serve("drive-1", pickle.dumps({"transl": 1}, protocol=2))
    bench.serve("drive-2", BIG)
    bench.serve("smplx", BODY_ZIP, login=("me@example.org", WORD))


def test_from_nothing_to_everything_and_back(bench: Bench, monkeypatch: Any) -> None:
    served(bench)
    before = bench.files()
    assert bench.states()["clip"] == "missing"
    monkeypatch.setenv("DARTENV_SMPLX_USERNAME", "me@example.org")
    monkeypatch.setenv("DARTENV_SMPLX_PASSWORD", WORD)

    shown = bench.assets("fetch", "--dry-run")
    assert shown.code == 0, shown.err
    assert bench.files() == before
    assert bench.server.seen == []

    done = bench.assets("fetch", "--all")
    assert done.code == 0, done.out + done.err
    assert bench.body.read_bytes() == BODY
    assert bench.clip.read_bytes() == CLIP
    assert (bench.root / "data" / "texts.bin").read_bytes() == BIG
    states = bench.states()
    assert states == {
        "scene": "same",
        "stand": "same",
        "smplx-male": "seen",
        "smplh-male": "absent",
        "clip": "right",
        "texts": "same",
    }
    assert bench.assets("verify").code == 0
    left = [p.name for p in bench.state.rglob("*") if p.suffix in (".part", ".zip", ".npz", ".pt")]
    assert left == []
    for path in bench.state.rglob("*"):
        assert not path.is_file() or WORD.encode() not in path.read_bytes()
    assert WORD not in done.out + done.err

    again = bench.assets("fetch", "--all")
    assert again.code == 0
    assert "nothing is missing" in again.err
    assert len([one for one in bench.server.seen if one.path == "/drive-2"]) == 1

    undone = bench._cli("fix", "--undo")
    assert undone.code == 0, undone.err
    assert bench.files() == before


def test_what_cannot_be_had_is_told_and_the_rest_comes(bench: Bench) -> None:
    served(bench)
    bench.serve("clip", b"", page=_server_module().LOGIN)
    bench.serve("drive-1", b"garbage, no pickle")
    done = bench.assets("fetch")
    assert done.code == 4
    assert "a login or portal page" in done.out
    assert "failed    assets.fetch:stand" in done.out  # it came, and is not what it should be
    assert not (bench.root / "data" / "stand.pkl").exists()
    assert (bench.root / "data" / "scenes" / "演示" / "scene.json").read_bytes() == b"{}"
    assert not bench.clip.exists()
    for words in ("https://body.example/download", "smplx_lockedhead_x.zip", str(bench.body)):
        assert words in done.out


def test_a_partial_clip_is_repaired_and_the_repair_taken_back(bench: Bench) -> None:
    served(bench)
    bench.clip.parent.mkdir(parents=True)
    bench.clip.write_bytes(CLIP[:1000])
    done = bench("doctor", "--select", "assets.clip", "--format", "json")
    (found,) = [f for f in json.loads(done.out)["findings"] if f["check"] == "assets.clip"]
    assert found["remedy"]["fix"] == "assets.clip"
    done = bench("fix", "assets.clip", "--yes")
    assert done.code == 0, done.out + done.err
    assert "repaired  assets.clip" in done.out
    assert bench.clip.read_bytes() == CLIP
    assert bench.server.requests("clip")[0].range == "bytes=1000-"
    assert bench._cli("fix", "--undo").code == 0
    assert bench.clip.read_bytes() == CLIP[:1000]
    assert [p.name for p in bench.clip.parent.iterdir()] == [bench.clip.name]


def test_a_body_model_too_deep_is_moved(bench: Bench) -> None:
    deep = bench.root / "data" / "smplx-models" / "smplx-models" / "smplx" / "SMPLX_MALE.npz"
    deep.parent.mkdir(parents=True)
    deep.write_bytes(BODY)
    assert f"found at {deep}" in bench.assets("verify").out
    done = bench("fix", "assets.smplx", "source.body-model-dir", "--yes")
    assert done.code == 0, done.out + done.err
    assert "repaired  assets.smplx" in done.out
    assert bench.body.read_bytes() == BODY
    assert not deep.exists()
    assert bench._cli("fix", "--undo").code == 0
    assert deep.read_bytes() == BODY
    assert not bench.body.exists()


def test_an_archive_among_the_downloads_is_used(bench: Bench) -> None:
    bench.put("smplx_lockedhead_old.zip", b"PK\x03\x04 half a download")
    bench.put("smplx_lockedhead_20230207 (1).zip", BODY_ZIP)
    done = bench("fix", "assets.smplx", "--yes")
    assert done.code == 0, done.out + done.err
    assert bench.body.read_bytes() == BODY


def test_import_sorts_in_and_goes_back(bench: Bench) -> None:
    before = bench.files()
    drive = zipped(
        {
            "DART-001/data/scenes/演示/scene.json": b"{}",
            "DART-001/data/texts.bin": BIG,
            "DART-001/README.txt": b"",
        }
    )
    paths = [bench.put("a.zip", drive), bench.put("smplx_lockedhead_x.zip", BODY_ZIP)]
    done = bench.assets("import", *paths)
    assert done.code == 0, done.out + done.err
    assert (bench.root / "data" / "texts.bin").read_bytes() == BIG
    assert bench.body.read_bytes() == BODY
    assert "DART-001/README.txt" in done.err
    again = bench.assets("import", *paths)
    assert again.code == 0
    assert "3 files there already" in again.out
    assert bench._cli("fix", "--undo").code == 0
    assert bench.files() == before


def test_a_whole_file_of_somebody_else_stays(bench: Bench) -> None:
    place = bench.root / "data" / "texts.bin"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"mine")
    path = bench.put("a.zip", zipped({"data/texts.bin": BIG}))
    done = bench.assets("import", path)
    assert (done.code, place.read_bytes()) == (4, b"mine")
    assert "--replace" in done.out
    assert bench.assets("import", path, "--replace").code == 0
    assert place.read_bytes() == BIG
    assert bench._cli("fix", "--undo").code == 0
    assert place.read_bytes() == b"mine"


def test_a_broken_file_gives_way(bench: Bench) -> None:
    place = bench.root / "data" / "stand.pkl"
    place.parent.mkdir()
    place.write_bytes(b"<html><title>Quota</title>")
    good = pickle.dumps({"transl": 1}, protocol=2)
    done = bench.assets("import", bench.put("a.zip", zipped({"x/data/stand.pkl": good})))
    assert done.code == 0, done.out + done.err
    assert place.read_bytes() == good


class _Gbk(zipfile.ZipInfo):
    """A name as Windows in Chinese writes it."""

    def _encodeFilenameFlags(self) -> Any:
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def test_three_zips_of_a_browser_with_names_in_gbk(bench: Bench) -> None:
    contents = {"scenes/演示/scene.json": b"{}", "texts.bin": BIG, "其他/说明.txt": b"1"}
    paths = []
    for number, (name, data) in enumerate(contents.items()):
        path = bench.downloads / f"DART-00{number}.zip"
        with zipfile.ZipFile(str(path), "w") as archive:
            archive.writestr(_Gbk(f"资料/data/{name}"), data)
            if name != "texts.bin":  # the same file in several of them is one file
                archive.writestr(_Gbk("资料/data/texts.bin"), BIG)
        paths.append(path)
    done = bench.assets("import", *paths)
    assert done.code == 0, done.out + done.err
    for name, data in contents.items():
        assert (bench.root / "data" / name).read_bytes() == data


def test_without_gdown_the_folder_is_shown(bench: Bench, monkeypatch: Any) -> None:
    served(bench)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    done = bench.assets("fetch", "stand", "scene")
    assert done.code == 4
    assert done.out.count("https://drive.example/folders/x") == 1
    for words in ("stand.pkl", "scene.json", "dartenv assets import FILE.zip"):
        assert words in done.out
    assert bench.server.seen == []


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"data/texts.bin": BIG, "../evil": b""}, "leads out"),
        ({"data/texts.bin": BIG, "data/NUL": b""}, "device"),
        ({"data/texts.bin": BIG, "data/Texts.bin": b""}, "one on Windows"),
        ({"readme.txt": b"hello"}, "none of DART's downloads"),
        ({"other/data/x.bin": b"hello"}, "none of DART's downloads"),
    ],
)
def test_what_is_unsafe_or_foreign_writes_nothing(
    bench: Bench, members: Dict[str, bytes], words: str
) -> None:
    before = bench.files()
    good = bench.put("smplx_lockedhead_x.zip", BODY_ZIP)
    done = bench.assets("import", good, bench.put("a.zip", zipped(members)))
    assert done.code == 2
    assert words in done.err
    assert bench.files() == before


def test_a_folder_is_imported_as_an_archive_is(bench: Bench) -> None:
    folder = bench.downloads / "unpacked" / "data"
    folder.mkdir(parents=True)
    (folder / "texts.bin").write_bytes(BIG)
    done = bench.assets("import", folder.parent)
    assert done.code == 0, done.out + done.err
    assert (bench.root / "data" / "texts.bin").read_bytes() == BIG


def test_the_blender_addon_is_kept_whole_and_its_source_refused(bench: Bench) -> None:
    data = zipped({"addon/data/model.blend": b"1", "addon/__init__.py": b""})
    path = bench.put("smplx_blender_addon-1.0.3-20260511.zip", data)
    assert bench.assets("import", path).code == 0
    assert (bench.root / path.name).read_bytes() == data
    code = bench.put("smplx_blender_addon-main.zip", zipped({"addon/__init__.py": b""}))
    assert bench.assets("import", code).code == 2


def test_smplh_is_merged_with_the_hands(bench: Bench) -> None:
    numpy = pytest.importorskip("numpy")
    stream = io.BytesIO()
    numpy.savez(stream, v_template=numpy.zeros((5, 3)), remark=numpy.array([{}], dtype=object))
    tar = bench.downloads / "smplh.tar.xz"
    with tarfile.open(str(tar), "w:xz") as archive:
        info = tarfile.TarInfo("male/model.npz")
        info.size = len(stream.getvalue())
        archive.addfile(info, io.BytesIO(stream.getvalue()))
    hands = {
        f"mano/models/MANO_{side}.pkl": _mano(numpy, number)
        for number, side in enumerate(("LEFT", "RIGHT"), 1)
    }
    alone = bench.assets("import", tar)
    assert alone.code == 2
    assert "mano.zip" in alone.err
    done = bench.assets("import", tar, bench.put("mano.zip", zipped(hands)))
    assert done.code == 0, done.out + done.err
    data = (bench.root / BODIES / "smplh" / "SMPLH_MALE.pkl").read_bytes()
    assert b"numpy._core" not in data
    model = pickle.loads(data)
    assert sorted(model) == [
        "hands_componentsl",
        "hands_componentsr",
        "hands_meanl",
        "hands_meanr",
        "v_template",
    ]
    assert model["hands_componentsl"][0, 0] == 1
    assert model["hands_componentsr"][0, 0] == 2
    assert bench.states()["smplh-male"] == "seen"


class _Evil:
    """Its pickle would make a folder when loaded."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("evil",))


def _mano(numpy: Any, number: int) -> bytes:
    model = {
        "hands_components": numpy.full((45, 45), number),
        "hands_mean": numpy.zeros(45),
        "shapedirs": _Evil(),
        "J_regressor": SimpleNamespace(data=numpy.zeros(3)),
        "more": collections.OrderedDict(a=1),
        "bytes": numpy.frombuffer(b"123", dtype=numpy.uint8).tobytes(),
    }
    return pickle.dumps(model, protocol=2)


def test_the_pickles_of_mano_run_nothing(bench: Bench, monkeypatch: Any) -> None:
    numpy = pytest.importorskip("numpy")
    from dartenv.assets.mano import read_arrays
    from dartenv.errors import UsageFault

    monkeypatch.chdir(bench.home)
    found = read_arrays(_mano(numpy, 7), ["hands_components"], "MANO")
    assert found["hands_components"].shape == (45, 45)
    assert not (bench.home / "evil").exists()
    with pytest.raises(UsageFault, match="no plain array"):
        read_arrays(_mano(numpy, 7), ["shapedirs"], "MANO")
    with pytest.raises(UsageFault, match="no pickle"):
        read_arrays(b"nonsense", ["shapedirs"], "MANO")


def test_the_list_needs_no_tree(bench: Bench) -> None:
    done = bench._cli("assets", "list", "--format", "json")
    assert done.code == 0, done.err
    items = {item["asset"]["id"]: item for item in json.loads(done.out)["assets"]}
    assert items["smplx-male"]["asset"]["licence"]
    assert items["clip-vit-b-32"]["asset"]["sha256"]
    text = bench.assets("list").out
    assert "https://body.example/download" in text
    assert "research only" in text


def test_another_drive_without_room_is_told_before_the_first_byte(bench: Bench) -> None:
    from dartenv.fetch.remote import FetchFault, Remote
    from dartenv.fixes.room import refuse_full_drives
    from dartenv.fixes.steps import FetchFile

    step = FetchFile(
        id="x",
        fixes=("assets.fetch:x",),
        reason="test",
        path=str(bench.root / "data" / "new" / "x"),
        remote=Remote(id="x", kind="http", url="https://h/x", name="x", size=1000),
    )
    refuse_full_drives([step], bench.state, lambda folder: 0)  # the same drive: counted elsewhere
    tree = str(bench.root)

    def two(folder: str) -> int:
        return int(folder.startswith(tree))

    refuse_full_drives([step], bench.state, lambda folder: 1000, two)
    with pytest.raises(FetchFault, match="999 bytes free"):
        refuse_full_drives([step], bench.state, lambda folder: 999, two)


def test_a_second_dartenv_waits_its_turn(bench: Bench) -> None:
    import threading

    from dartenv.fixes.lock import hold

    served(bench)
    held, done = threading.Event(), threading.Event()

    def other() -> None:
        with hold(bench.state, "dartenv fix"):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert held.wait(5)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(hold.__wrapped__, "__defaults__", (0.0,))  # type: ignore[attr-defined]
            refused = bench.assets("fetch", "clip")
        assert refused.code == 2
        assert "at work" in refused.err
        assert bench.server.seen == []
    finally:
        done.set()
        thread.join()


def test_a_wrong_name_is_told(bench: Bench) -> None:
    done = bench.assets("fetch", "clpi")
    assert done.code == 2
    assert "clip-file" in done.err
