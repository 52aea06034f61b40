"""Locks are read strictly, found by profile and Python, and held against the profiles."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests, default_manifests
from dartenv.manifests.locks import lock_of, locks, requirements_of, torch_of
from dartenv.manifests.validate import validate

LOCK = """
profile = "windows-cpu"
python = "3.8"
made = "2026-11-27"
command = "by hand"
"""


def laid(tmp_path: Path, text: str, stem: str = "windows-cpu-py3.8") -> Manifests:
    path = tmp_path / "locks" / f"{stem}.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return Manifests([tmp_path])


def packaged(stem: str) -> str:
    root = Path(__file__).resolve().parents[2] / "manifests" / "locks"
    return (root / f"{stem}.toml").read_text(encoding="utf-8")


def said(manifests: Manifests, stem: str = "windows-cpu-py3.8") -> List[str]:
    return [p.line() for p in validate(manifests) if p.manifest == f"locks/{stem}"]


def test_the_lock_of_the_cpu_profile_says_what_is_installed_on_311() -> None:
    lock = lock_of(default_manifests(), "linux-cpu", "3.11")
    assert lock is not None
    torch = lock.find("torch")
    assert torch is not None
    assert (torch.version, torch.index, torch.role, torch.sha256) == (
        "2.14.1",
        "torch",
        "torch",
        (),
    )
    vision = lock.find("torchvision")
    assert vision is not None
    assert vision.version == "0.29.1"
    numpy = lock.find("NumPy")
    assert numpy is not None
    # https://pypi.org/project/numpy/1.26.4/#files: cp311, manylinux x86_64
    assert numpy.sha256 == ("666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",)
    clip = lock.find("clip")
    assert clip is not None
    assert (clip.index, clip.role) == ("git", "clip")
    assert [one.name for one in lock.of_role("requirement") if one.sdist] == ["torch-dct"]
    assert lock.find("colorama") is None  # Windows alone asks for it


def test_the_reference_has_cuda_builds_and_its_own_pytorch3d() -> None:
    lock = lock_of(default_manifests(), "windows-cu118", "3.8")
    assert lock is not None
    versions = {one.name: one.version for one in lock.package}
    assert versions["torch"] == "2.4.1+cu118"
    assert versions["torchvision"] == "0.19.1+cu118"
    assert versions["torchaudio"] == "2.4.1+cu118"
    assert versions["pytorch3d"] == "0.7.8+pt2.4.1cu118"
    assert versions["onnxruntime-gpu"] == "1.18.1"
    assert versions["numpy"] == "1.24.4"
    assert "colorama" in versions
    assert not any(name.startswith(("nvidia-", "triton")) for name in versions)


def test_a_cuda_12_lock_for_linux_has_the_libraries_its_torch_asks_for() -> None:
    lock = lock_of(default_manifests(), "linux-cu128", "3.11")
    assert lock is not None
    versions = {one.name: one.version for one in lock.package}
    assert versions["nvidia-cublas-cu12"] == "12.8.3.14"
    assert versions["nvidia-cudnn-cu12"] == "9.7.1.26"
    assert versions["triton"] == "3.3.0"


def test_the_sandbox_serves_both_systems_and_has_no_clip() -> None:
    lock = lock_of(default_manifests(), "sandbox", "3.11")
    assert lock is not None
    names = [one.name for one in lock.package]
    assert "colorama" in names
    assert not {"clip", "torchvision", "pytorch3d", "onnxruntime"} & set(names)
    numpy = lock.find("numpy")
    assert numpy is not None
    assert len(numpy.sha256) > 1


def test_every_profile_has_a_lock_for_its_best_python() -> None:
    manifests = default_manifests()
    for profile in manifests.profiles():
        assert lock_of(manifests, profile.id, profile.python[0]) is not None, profile.id
    assert len(locks(manifests)) == len(manifests.stems("locks"))


def test_a_python_without_a_lock_has_none() -> None:
    assert lock_of(default_manifests(), "windows-cpu", "3.6") is None
    assert lock_of(default_manifests(), "no-such-profile", "3.8") is None


def test_a_full_python_version_finds_the_lock_of_its_minor() -> None:
    lock = lock_of(default_manifests(), "windows-cpu", "3.8.10")
    assert lock is not None
    assert lock.python == "3.8"


@pytest.mark.parametrize(
    ("entry", "where", "expected"),
    [
        ('name = "a"\nversion = "1"\nindex = "conda"\nrole = "torch"', "package[0].index", "conda"),
        ('name = "a"\nversion = "1"\nindex = "pypi"\nrole = "odd"', "package[0].role", "odd"),
        ('name = "a"\nversion = 1\nindex = "pypi"\nrole = "torch"', "package[0].version", "str"),
        ('name = "a"\nversion = "1"\nindex = "pypi"', "package[0]", "role"),
        (
            'name = "a"\nversion = "1"\nindex = "pypi"\nrole = "torch"\nsha = []',
            "package[0]",
            "sha",
        ),
    ],
)
def test_an_entry_that_is_none_is_named_with_its_file_and_key(
    tmp_path: Path, entry: str, where: str, expected: str
) -> None:
    manifests = laid(tmp_path, f"{LOCK}\n[[package]]\n{entry}\n")
    with pytest.raises(UsageFault) as caught:
        lock_of(manifests, "windows-cpu", "3.8")
    assert "windows-cpu-py3.8.toml" in str(caught.value)
    assert where in str(caught.value)
    assert expected in str(caught.value)
    assert any("windows-cpu-py3.8.toml" in line for line in said(manifests))


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (
            'version = "1.24.4"',
            'version = "1.23.5"',
            "package numpy: 1.23.5 is not the profile's pin",
        ),
        ('name = "torch"\nversion = "2.4.1"', 'name = "torch"\nversion = "2.4.0"', "2.4.0, where"),
        (
            'name = "torch"\nversion = "2.4.1"\nindex = "torch"',
            'name = "torch"\nversion = "2.4.1"\nindex = "pypi"',
            'index "pypi", and the profile takes it from https://download.pytorch.org/whl/cpu',
        ),
        ('name = "torchvision"', 'name = "torchvisions"', "package torchvision: missing"),
        ('name = "tyro"', 'name = "tyrol"', "package tyro: missing, and the profile requires it"),
        ('name = "absl-py"', 'name = "absl_py"', "package absl_py: the index spells it absl-py"),
        ('name = "catalogue"', 'name = "certifi"', "package certifi: stands there twice"),
        ('name = "clip"', 'name = "clippy"', "package clip: missing, or not from its repository"),
        ('index = "git"', 'index = "pypi"', "package clip: missing, or not from its repository"),
        ('name = "onnxruntime"', 'name = "onnxruntime-gpu"', "the profile installs onnxruntime"),
        ('version = "0.7.8"', 'version = "0.7.5"', "package pytorch3d: 0.7.5, where"),
        ('python = "3.8"', 'python = "3.9"', "the file is not called windows-cpu-py3.9.toml"),
        ('python = "3.8"', 'python = "3.7"', "3.7 is not among 3.8"),
        ('profile = "windows-cpu"', 'profile = "mac"', "no profile mac"),
        ('sha256 = ["', 'sha256 = ["A', "is not a sha256"),
    ],
)
def test_a_lock_that_does_not_fit_its_profile_is_named(
    tmp_path: Path, before: str, after: str, line: str
) -> None:
    text = packaged("windows-cpu-py3.8")
    assert before in text
    found = said(laid(tmp_path, text.replace(before, after, 1)))
    assert any(line in one for one in found), found


def test_a_plain_package_without_a_hash_is_named(tmp_path: Path) -> None:
    text = packaged("windows-cpu-py3.8")
    head, _, rest = text.partition('name = "tyro"')
    body, _, tail = rest.partition("sdist")
    cut = body[: body.index("sha256")] + "sha256 = []\n"
    found = said(laid(tmp_path, f'{head}name = "tyro"{cut}sdist{tail}'))
    assert found == [
        "locks/windows-cpu-py3.8: package tyro: no hash, and the plain index gives one for every file"
    ]


def test_markers_and_torch_are_those_of_the_python() -> None:
    profile = default_manifests().profile("windows-cpu")
    names = [one.name for one in requirements_of(profile, "3.8")]
    assert names.count("numpy") == 1
    assert "eval-type-backport" in names
    assert "eval-type-backport" not in [one.name for one in requirements_of(profile, "3.11")]
    assert torch_of(profile, "3.8") == "2.4.1"
    assert torch_of(profile, "3.11") == "2.13.0"
    reference = default_manifests().profile("windows-cu118")
    assert torch_of(reference, "3.11") == "2.4.1+cu118"
