"""Makes ``manifests/locks/<profile>-py<X.Y>.toml`` from the indexes' own data (docs/locks.md).

    python scripts/make_locks.py                          # every profile, every Python of it
    python scripts/make_locks.py linux-cpu --python 3.11

uv resolves, for the lock's system and Python whatever this machine is, and gives the hashes:
``python -m pip install uv``. Only the plain index is asked; torch and its companions are locked by
the version that the profile names, without hashes, because their own index gives none to uv.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from packaging.requirements import Requirement as Asked  # noqa: E402
from packaging.utils import canonicalize_name  # noqa: E402

from dartenv.manifests.loader import Manifests  # noqa: E402
from dartenv.manifests.lock_rules import LockRules, extras_of, lock_rules  # noqa: E402
from dartenv.manifests.locks import (  # noqa: E402
    LockedPackage,
    clip_of,
    lock_name,
    pytorch3d_of,
    requirements_of,
    systems,
    torch_family,
)
from dartenv.manifests.schema import Profile  # noqa: E402

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLIP_VERSION = "1.0"  # what its setup.py says at every commit; the commit stands in compat/clip


class CannotLock(Exception):
    """uv found no set of versions; its own words."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="Make the lock files of the profiles.")
    parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help="all of them when none is named"
    )
    parser.add_argument("--python", action="append", metavar="X.Y", help="these Pythons alone")
    parser.add_argument("--uv", default=shutil.which("uv"), help="the uv to ask")
    parser.add_argument("--until", metavar="DATE", help="nothing that was uploaded after this day")
    options = parser.parse_args(arguments)
    if not options.uv:
        parser.error("no uv on PATH: python -m pip install uv, or --uv PATH")
    manifests = Manifests()
    failed = 0
    for name in options.profiles or manifests.stems("profiles"):
        profile = manifests.profile(name)
        for python in profile.python:
            if options.python and python not in options.python:
                continue
            path = ROOT / "manifests" / "locks" / f"{lock_name(name, python)}.toml"
            try:
                packages = lock(profile, python, manifests, options.uv, options.until)
            except CannotLock as fault:
                failed += 1
                print(f"{path.name}: none\n{fault}", file=sys.stderr)
                continue
            path.parent.mkdir(exist_ok=True)
            path.write_text(text(profile, python, packages), encoding="utf-8", newline="\n")
            print(f"{path.name}: {len(packages)} packages")
    return 1 if failed else 0


def lock(
    profile: Profile, python: str, manifests: Manifests, uv: str, until: Optional[str]
) -> List[LockedPackage]:
    """Everything that ``profile`` installs on ``python``, by name; CannotLock in uv's words."""
    rules = lock_rules(manifests)
    family = {
        name: (version, index) for name, version, index in torch_family(profile, python, manifests)
    }
    roles: Dict[str, str] = {}
    wanted: List[str] = []
    for name, (version, _) in family.items():
        wanted.append(f"{name}=={version.partition('+')[0]}")
    for one in requirements_of(profile, python):
        # A pin is installed as it stands; its specifier says what else would do.
        wanted.append(f"{one.name}=={one.pin}" if one.pin else f"{one.name}{one.spec}")
        roles[canonicalize_name(one.name)] = "requirement"
    if profile.onnxruntime:
        wanted.append(profile.onnxruntime)
        roles[canonicalize_name(Asked(profile.onnxruntime).name)] = "ort"
    for extra in extras_of(rules, profile, python):
        wanted.append(f"{extra.name}{extra.spec}")
        roles.setdefault(canonicalize_name(extra.name), extra.role)
    found: Dict[str, LockedPackage] = {}
    for system in systems(profile):
        for package in resolved(wanted, python, system, rules, uv, until):
            if package.name in family or any(
                fnmatch.fnmatchcase(package.name, pattern) for pattern in rules.torch.cuda_only
            ):
                continue
            merge(found, package, roles)
        for package in resolved(
            build(profile, family, system, rules), python, system, rules, uv, until, alone=True
        ):
            merge(found, package, roles)
    for name, (version, index) in family.items():
        found[name] = LockedPackage(name=name, version=version, index=index, role="torch")
    pytorch3d = pytorch3d_of(profile, python, manifests)
    if pytorch3d is not None:
        found["pytorch3d"] = LockedPackage(
            name="pytorch3d",
            version=pytorch3d,
            index="pytorch3d",
            role="pytorch3d",
            sdist=profile.pytorch3d == "transforms",
        )
    clip = clip_of(profile, manifests)
    if clip is not None:
        found[clip] = LockedPackage(
            name=clip, version=CLIP_VERSION, index="git", role="clip", sdist=True
        )
    return [found[name] for name in sorted(found)]


def build(
    profile: Profile, family: Dict[str, Tuple[str, Any]], system: str, rules: LockRules
) -> List[str]:
    """What the named build of torch asks for beside the pure packages."""
    torch = family.get("torch", ("", None))[0].partition("+")[0]
    for row in rules.torch.builds:
        if (row.torch, row.compute, row.system) == (torch, profile.compute, system):
            return list(row.requires)
    return []


def merge(found: Dict[str, LockedPackage], package: LockedPackage, roles: Dict[str, str]) -> None:
    """Add one system's package: a profile for any system has one version on all of them."""
    import msgspec

    package = msgspec.structs.replace(package, role=roles.get(package.name, "dependency"))
    before = found.get(package.name)
    if before is not None:
        if before.version != package.version:
            raise CannotLock(f"{package.name} is {before.version} and {package.version}")
        together = sorted({*before.sha256, *package.sha256})
        package = msgspec.structs.replace(package, sha256=tuple(together))
    found[package.name] = package


def resolved(
    wanted: Sequence[str],
    python: str,
    system: str,
    rules: LockRules,
    uv: str,
    until: Optional[str],
    alone: bool = False,
) -> List[LockedPackage]:
    """What uv makes of ``wanted``; ``alone`` without their requirements."""
    if not wanted:
        return []
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.in"
        answer = Path(folder) / "pylock.toml"
        asked.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        command = [uv, "pip", "compile", "--quiet", "--no-config", "--no-header"]
        command += ["--format", "pylock.toml", "--output-file", str(answer)]
        command += ["--python-platform", rules.platforms[system], "--python-version", python]
        command += ["--no-deps"] if alone else []
        command += ["--exclude-newer", until] if until else []
        command += ["--only-binary", ":all:"]
        for one in rules.source_only:
            command += ["--no-binary", one.name]
        # A Python of the lock's version is only wanted to build source archives: none is fetched.
        environment = dict(os.environ, UV_PYTHON_DOWNLOADS="never")
        done = subprocess.run(
            [*command, str(asked)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            raise CannotLock(done.stderr.decode("utf-8", "replace").strip())
        data = tomllib.loads(answer.read_text(encoding="utf-8"))
    return [package(one) for one in data["packages"]]


def package(data: Dict[str, Any]) -> LockedPackage:
    """One package of a pylock.toml: the files are those that fit the system and the Python."""
    files = data.get("wheels") or [data["sdist"]]
    hashes = sorted({one["hashes"]["sha256"] for one in files})
    return LockedPackage(
        name=canonicalize_name(data["name"]),
        version=data["version"],
        index="pypi",
        role="dependency",
        sha256=tuple(hashes),
        sdist=not data.get("wheels"),
    )


def text(profile: Profile, python: str, packages: Sequence[LockedPackage]) -> str:
    """The lock file."""
    lines = [
        f'profile = "{profile.id}"',
        f'python = "{python}"',
        f'made = "{datetime.date.today().isoformat()}"',
        f'command = "python scripts/make_locks.py {profile.id} --python {python}"',
    ]
    for one in packages:
        lines += [
            "",
            "[[package]]",
            f'name = "{one.name}"',
            f'version = "{one.version}"',
            f'index = "{one.index}"',
            f'role = "{one.role}"',
        ]
        if len(one.sha256) > 1:
            lines += ["sha256 = [", *(f'  "{value}",' for value in one.sha256), "]"]
        else:
            lines.append("sha256 = [" + ", ".join(f'"{value}"' for value in one.sha256) + "]")
        lines.append(f"sdist = {'true' if one.sdist else 'false'}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
