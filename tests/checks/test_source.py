"""Checks of the DART tree on literal facts: each passing and failing, on Windows and on Linux."""

from __future__ import annotations

from typing import Any, List, Optional

import msgspec
import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    ArgsFacts,
    AssetsFacts,
    DistributionFacts,
    Facts,
    FileAsset,
    FileProblem,
    GpuDevice,
    GpuFacts,
    HostFacts,
    InterpreterFacts,
    Location,
    SourceFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

MANIFESTS = Manifests()
WINDOWS = HostFacts(system="windows", release="10", version="10.0", machine="amd64", bits=64)
LINUX = HostFacts(system="linux", release="6.1", version="1", machine="x86_64", bits=64)
TREE = SourceFacts(
    root="D:\\动作\\DART-main", exists=True, is_dir=True, kind="dart", python_files=357
)


def tree(**more: Any) -> SourceFacts:
    return msgspec.structs.replace(TREE, **more)


def python(version: str = "3.8.8", **packages: str) -> InterpreterFacts:
    return InterpreterFacts(
        executable="C:\\envs\\dart\\python.exe",
        version=version,
        distributions=tuple(DistributionFacts(name=n, version=v) for n, v in packages.items()),
    )


def judge(check: str, *, compute: str = "cu118", **facts: Any) -> List[Finding]:
    all_checks()
    facts.setdefault("host", WINDOWS)
    facts.setdefault("source", TREE)
    profile = Profile(id="p", title="t", source="s", system="windows", compute=compute)
    return run_checks(Context(Facts(**facts), profile, MANIFESTS), REGISTRY.select([check]))


def only(check: str, **facts: Any) -> Finding:
    (one,) = judge(check, **facts)
    return one


CLOSURE = {"mld.rollout_mld": 30}
NUL = (FileProblem(path="mld/rollout_mld.py", reason="contains NUL bytes"),)
DENIED = (FileProblem(path=".", reason="cannot be read: Permission denied"),)


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (TREE, Status.OK, "357 Python files"),
        (tree(kind="sandbox"), Status.OK, "the dartenv sandbox, not DART"),
        (tree(exists=False, is_dir=False, kind=None), Status.FAIL, "does not exist"),
        (tree(is_dir=False, kind=None), Status.FAIL, "is a file"),
        (tree(kind=None, markers_missing=("mld/x.py",)), Status.FAIL, "not a DART tree"),
        (tree(markers_missing=("model/mld_vae.py",)), Status.WARN, "expected files are missing"),
        (tree(git_dirty=("a.py", "b.py")), Status.OK, "2 files differ"),
        (tree(closure=CLOSURE, problems=NUL), Status.WARN, "rollout_mld.py: contains NUL bytes"),
        (tree(closure={"mld.x": 1}, problems=NUL), Status.OK, "357 Python files"),
        (tree(exists=False, is_dir=False, kind=None, problems=DENIED), Status.FAIL, "denied"),
        (tree(kind=None, problems=DENIED), Status.FAIL, "is no folder to look into"),
        (None, Status.FAIL, "no DART tree"),
    ],
)
def test_the_root(source: Optional[SourceFacts], status: Status, words: str) -> None:
    one = only("source.root", source=source)
    assert one.status is status
    assert words in one.summary


def test_what_needs_the_tree_is_skipped_with_the_tree_as_its_cause() -> None:
    one = only("source.posixpath", source=tree(exists=False, is_dir=False, kind=None))
    assert (one.status, one.cause) == (Status.SKIP, "source.root")


ALIAS = Location(
    path="data_loaders/humanml/common/quaternion.py",
    line=13,
    symbol="np.float",
    note="removed in 1.24",
)
INFTY = Location(path="a.py", line=3, symbol="np.infty", note="removed in 2.0")
BOOL = Location(path="a.py", line=4, symbol="np.bool", note="removed in 1.24, back in 2.0")


@pytest.mark.parametrize(
    ("location", "numpy", "status"),
    [
        (ALIAS, "1.24.4", Status.FAIL),
        (ALIAS, "2.4.6", Status.FAIL),
        (ALIAS, "1.21.5", Status.INFO),
        (ALIAS, None, Status.FAIL),
        (msgspec.structs.replace(ALIAS, live=False), "1.24.4", Status.INFO),
        (msgspec.structs.replace(ALIAS, state="repaired"), "1.24.4", Status.OK),
        (INFTY, "1.26.4", Status.INFO),
        (INFTY, "2.0.0", Status.FAIL),
        (BOOL, "1.26.4", Status.FAIL),
        (BOOL, "2.1.0", Status.INFO),
    ],
)
def test_numpy_aliases_by_the_installed_numpy(
    location: Location, numpy: Optional[str], status: Status
) -> None:
    packages = {"numpy": numpy} if numpy else {}
    one = only(
        "source.numpy-aliases",
        source=tree(numpy_aliases=(location,)),
        interpreter=python(**packages),
    )
    assert one.status is status
    if status is Status.FAIL:
        assert f"{location.path}:{location.line}" in (one.found or "")
        assert one.remedy is not None
        assert one.remedy.fix == "source.numpy-aliases"


LOADERS = (
    Location(path="mld/rollout_demo.py", line=95, symbol="tyro.extras.from_yaml"),
    Location(path="mld/rollout_mld.py", line=93, symbol="tyro.extras.from_yaml"),
)


@pytest.mark.parametrize(
    ("host", "state", "status"),
    [
        (WINDOWS, "needed", Status.FAIL),
        (LINUX, "needed", Status.INFO),
        (WINDOWS, "repaired", Status.OK),
        (LINUX, "repaired", Status.OK),
        (WINDOWS, "unsure", Status.FAIL),
    ],
)
def test_posixpath_matters_on_windows(host: HostFacts, state: str, status: Status) -> None:
    locations = tuple(msgspec.structs.replace(x, state=state) for x in LOADERS)
    carrying = AssetsFacts(args=(ArgsFacts(path="mvae/x/args.yaml", posixpath=True),))
    one = only("source.posixpath", source=tree(posixpath=locations), host=host, assets=carrying)
    assert one.status is status
    if status is not Status.OK:
        assert "mvae/x/args.yaml" in (one.found or "")
        assert any(e.startswith("mld/rollout_mld.py:93") for e in one.evidence)


@pytest.mark.parametrize(
    ("host", "state", "status"),
    [
        (WINDOWS, "needed", Status.FAIL),
        (LINUX, "needed", Status.INFO),
        (WINDOWS, "repaired", Status.OK),
    ],
)
def test_prompt_filenames_matter_on_windows(host: HostFacts, state: str, status: Status) -> None:
    location = Location(path="mld/optim_mld.py", line=111, symbol="text_prompt", state=state)
    one = only("source.prompt-filenames", source=tree(prompt_filenames=(location,)), host=host)
    assert one.status is status


@pytest.mark.parametrize(
    ("version", "state", "status"),
    [
        ("3.11.7", "needed", Status.FAIL),
        ("3.13.0", "needed", Status.FAIL),
        ("3.10.13", "needed", Status.INFO),
        ("3.8.8", "needed", Status.INFO),
        ("3.11.7", "repaired", Status.OK),
    ],
)
@pytest.mark.parametrize("host", [WINDOWS, LINUX])
def test_dataclass_defaults_by_python(
    version: str, state: str, status: Status, host: HostFacts
) -> None:
    location = Location(path="mld/train_mld.py", line=90, symbol="DenoiserArgs.x", state=state)
    one = only(
        "source.dataclass-defaults",
        source=tree(dataclass_defaults=(location,)),
        interpreter=python(version),
        host=host,
    )
    assert one.status is status


LOAD = Location(path="mld/rollout_mld.py", line=101, symbol="torch.load")
CARD = GpuFacts(state="devices", devices=(GpuDevice(name="RTX 4090", capability="8.9"),))


@pytest.mark.parametrize(
    ("location", "compute", "gpu", "torch", "status"),
    [
        (LOAD, "cu118", CARD, "2.4.1+cu118", Status.INFO),
        (LOAD, "cu118", CARD, "2.4.1+cpu", Status.WARN),
        (LOAD, "cpu", CARD, "2.4.1+cu118", Status.WARN),
        (LOAD, "cu118", GpuFacts(state="no-driver"), "2.4.1+cu118", Status.WARN),
        (msgspec.structs.replace(LOAD, live=False), "cpu", None, "2.4.1", Status.INFO),
        (msgspec.structs.replace(LOAD, state="repaired"), "cpu", None, "2.4.1", Status.OK),
    ],
)
def test_torch_load_matters_without_cuda(
    location: Location, compute: str, gpu: Any, torch: str, status: Status
) -> None:
    one = only(
        "source.torch-load",
        source=tree(torch_load=(location,)),
        interpreter=python(torch=torch),
        gpu=gpu,
        compute=compute,
    )
    assert one.status is status


FOREIGN = FileAsset(
    id="checkpoint:x",
    path="x/checkpoint_300000.pt",
    role="denoiser",
    exists=True,
    foreign_globals=("argparse.Namespace",),
)
BARE = msgspec.structs.replace(
    LOAD, note="weights_only is not given: newer torch loads tensors and plain containers only"
)


@pytest.mark.parametrize(
    ("location", "torch", "file", "fails"),
    [
        (BARE, "2.7.1+cu128", FOREIGN, True),
        (BARE, "2.4.1+cu118", FOREIGN, False),  # that torch loads whatever there is
        (LOAD, "2.7.1+cu128", FOREIGN, False),  # the call says weights_only itself
        (msgspec.structs.replace(BARE, live=False), "2.7.1", FOREIGN, False),
        (BARE, "2.7.1", msgspec.structs.replace(FOREIGN, foreign_globals=()), False),
        (msgspec.structs.replace(BARE, state="repaired"), "2.7.1", FOREIGN, True),
    ],
)
def test_a_checkpoint_that_newer_torch_refuses(
    location: Location, torch: str, file: FileAsset, fails: bool
) -> None:
    found = judge(
        "source.torch-load",
        source=tree(torch_load=(location,)),
        interpreter=python(torch=torch),
        gpu=CARD,
        assets=AssetsFacts(files=(file,)),
    )
    failing = [one for one in found if one.status is Status.FAIL]
    assert bool(failing) is fails
    for one in failing:
        assert one.found == "x/checkpoint_300000.pt: argparse.Namespace"
        assert one.remedy is not None
        assert one.remedy.fix is None  # the patch gives map_location, and no permission
    assert all(one.status is Status.INFO for one in found[1:])


def body(exists: bool, *elsewhere: str) -> AssetsFacts:
    return AssetsFacts(
        files=(
            FileAsset(
                id="smplx-male",
                path="D:\\DART\\data\\x\\smplx\\SMPLX_MALE.npz",
                role="smplx",
                exists=exists,
                elsewhere=elsewhere,
            ),
        )
    )


@pytest.mark.parametrize(
    ("assets", "status"),
    [
        (body(True), Status.OK),
        (body(False), Status.OK),  # assets.smplx speaks of it
        (body(False, "D:\\DART\\data\\smplx-models\\smplx\\SMPLX_MALE.npz"), Status.FAIL),
    ],
)
def test_the_body_model_folder(assets: AssetsFacts, status: Status) -> None:
    source = tree(
        body_model_dir="data/x",
        body_model_location=Location(path="config_files/data_paths.py", line=5, text="x = y"),
    )
    one = only("source.body-model-dir", source=source, assets=assets)
    assert one.status is status
    if status is Status.FAIL:
        assert "data/x (config_files/data_paths.py:5)" in (one.found or "")
        assert "smplx/SMPLX_MALE.npz" in (one.wanted or "")


def test_a_folder_that_cannot_be_worked_out_is_a_doubt() -> None:
    assert only("source.body-model-dir").status is Status.WARN


def test_the_state_of_every_patch_is_told_and_never_a_fault() -> None:
    odd = Location(path="a.py", line=1, state="unsure", note="swapped by hand")
    one = only("source.patched", source=tree(posixpath=(*LOADERS, odd)))
    assert one.status is Status.INFO
    assert "source.posixpath: 2 needed, 1 unsure" in one.evidence
    assert "a.py:1 swapped by hand" in one.evidence
    assert "source.torch-load: not needed" in one.evidence
