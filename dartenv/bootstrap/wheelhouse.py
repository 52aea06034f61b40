"""``--download-only``: everything a bootstrap installs, in one folder, for a machine without a network.

The machine that downloads may be another system than the one it is for: the profile says which.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple
from urllib.parse import unquote

from packaging.requirements import Requirement

from dartenv.bootstrap.pythons import ask
from dartenv.bootstrap.record import Settings
from dartenv.bootstrap.stages import STAGES, Stages
from dartenv.bootstrap.whole import bring, drop_broken
from dartenv.errors import FixFault, UsageFault
from dartenv.facts.runner import SubprocessRunner
from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.remote import FetchFault, Remote, shown_url
from dartenv.fixes.lock import hold, state_folder
from dartenv.install.beside import cudnn_beside
from dartenv.install.carried import CLIP, DART, PYTORCH3D
from dartenv.install.holding import lock_file
from dartenv.install.settings import SAME
from dartenv.install.tools import TORCH_LIMIT, index_options, own_path
from dartenv.install.wanted import Wish, wish
from dartenv.manifests.compat import ClipTable, Pytorch3dTable
from dartenv.manifests.locks import FOLDER, Lock, LockedPackage, lock_name, lock_of
from dartenv.manifests.wheels import wheel_for

Tell = Callable[[str], None]
# What pip takes for a system's wheels, the newest first.
PLATFORMS: Dict[str, Tuple[str, ...]] = {
    "windows": ("win_amd64",),
    # glibc 2.28 is that of RHEL 8; pip asks for each tag by name, and wheels carry odd ones between.
    "linux": (
        *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
        "manylinux2014_x86_64",
        "manylinux2010_x86_64",
        "manylinux1_x86_64",
        "linux_x86_64",
    ),
}


def fill(stages: Stages, settings: Settings, tell: Tell, dry_run: bool = False) -> None:
    """Download everything into the folder's ``wheels``; what is there already is kept.

    Raises UsageFault where no lock says what to download, FixFault where something did not come.
    """
    profile, manifests = stages.profile, stages.manifests
    python = _minor(settings.python, profile.python)
    lock = lock_of(manifests, profile.id, python)
    if lock is None:
        start = lock_name(profile.id, "")
        known = [n[len(start) :] for n in manifests.stems(FOLDER) if n.startswith(start)]
        known.sort(key=lambda text: [int(part) for part in text.split(".") if part.isdigit()])
        raise UsageFault(
            f"there is no lock of profile {profile.id} for Python {python}",
            f"a lock, so that what is downloaded is what is installed: {', '.join(known) or 'none'}",
            f"dartenv bootstrap --download-only --python {known[0]}" if known else None,
        )
    folder = stages.layout.wheels
    tell(f"for profile {profile.id} and Python {python}, into {folder}")
    filling = _Filling(stages, settings, lock, python, folder, tell, dry_run)
    if dry_run:
        filling.fill()
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold(state_folder(), "dartenv bootstrap --download-only"):
            for name in drop_broken(folder):
                tell(f"{name}: not whole, from a download that was interrupted; removed")
            filling.fill()
    except OSError as error:
        raise FixFault(f"{error.filename or folder}: {error.strerror or error}") from None
    files = [path for path in folder.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    tell(f"{len(files)} files, {size / 1e6:.0f} MB in {folder}")
    tell("there, without a network:")
    tell(
        f"  dartenv bootstrap --profile {profile.id} --python {python}"
        f' --no-index --find-links "{folder.name}"'
    )


class _Filling:
    def __init__(
        self,
        stages: Stages,
        settings: Settings,
        lock: Lock,
        python: str,
        folder: Path,
        tell: Tell,
        dry_run: bool,
    ) -> None:
        self._dry_run = dry_run
        self._stages = stages
        self._profile = stages.profile
        self._install = settings.install
        self._lock = lock
        self._python = python
        self._folder = folder
        self._tell = tell

    def fill(self) -> None:
        plain = [one for one in self._lock.package if one.index == "pypi"]
        self._pip("packages", [one for one in plain if not one.sdist])
        self._pip("sources", [one for one in plain if one.sdist])
        torch = [one for one in self._lock.package if one.index == "torch"]
        self._pip("torch", torch)
        self._cudnn()
        self._sources()

    def _cudnn(self) -> None:
        """What ONNX Runtime loads, where neither the lock nor its torch brings that version."""
        package = cudnn_beside(self._profile, self._lock, self._stages.manifests)
        if package is not None:
            self._ask("cudnn", Wish((package,), (Requirement(package).name,), whole=False))

    def _pip(self, name: str, packages: Sequence[LockedPackage]) -> None:
        """Packages of the lock, with the hashes that it has."""
        if packages:
            self._ask(name, wish(packages))

    def _ask(self, name: str, asked: Wish) -> None:
        """One call of pip's own download."""
        index = self._install.torch_index or self._profile.torch_index
        own = index if name == "torch" and index != SAME else None
        where = f", from {own}" if own is not None and not self._install.no_index else ""
        count = len(asked.names)
        self._tell(f"{name}: {count} package{'s' if count != 1 else ''}{where}")
        if self._dry_run:
            return
        path = self._written(f"download-{name}.txt", asked.text)
        command = [sys.executable, "-m", "pip", "download", "--no-input", "--progress-bar", "off"]
        command += ["--disable-pip-version-check", "--dest", str(self._folder)]
        command += index_options(self._install, own)
        command += ["--find-links", str(self._folder)]
        command += ["--require-hashes"] if asked.hashed else []
        if name == "sources":
            command += ["--no-deps", "--no-binary", ":all:"]
        else:
            command += self._target()
            # What torch needs on this very system is asked of its own index, too; what the lock
            # has is taken as it has it, and lies in the folder by then.
            if name == "torch" and not asked.hashed and self._same_system():
                command += ["-c", str(self._written("download-locked.txt", self._pins()))]
            elif asked.whole:
                command += ["--no-deps"]
        self._run([*command, "-r", str(path)], own is not None, name)

    def _pins(self) -> str:
        plain = [one for one in self._lock.package if one.index == "pypi"]
        return "".join(f"{one.name}=={one.version}\n" for one in plain)

    def _written(self, name: str, text: str) -> Path:
        path = state_folder() / "install" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _target(self) -> List[str]:
        system = self._profile.system
        if system not in PLATFORMS:
            return ["--only-binary=:all:"]
        options = ["--only-binary=:all:", "--python-version", self._python]
        options += ["--implementation", "cp"]
        for platform in PLATFORMS[system]:
            options += ["--platform", platform]
        return options

    def _same_system(self) -> bool:
        return self._profile.system == ("windows" if sys.platform == "win32" else "linux")

    def _run(self, command: List[str], own_index: bool, name: str) -> None:
        state = state_folder()
        argv = [sys.executable, "-m", "dartenv.install.run"]
        argv += ["--lock", str(lock_file(state, str(self._folder)))]
        argv += ["--log", str(state / "install" / f"download-{name}.log")]
        argv += ["--own-index"] if own_index else []
        done = SubprocessRunner().run([*argv, "--", *command], TORCH_LIMIT, env=_env())
        if not done.ok:
            said = done.error_text().strip().splitlines()
            raise FixFault(said[-1] if said else done.why(TORCH_LIMIT))

    def _sources(self) -> None:
        """CLIP, pytorch3d and DART as archives, where they are not folders of the user's."""
        manifests = self._stages.manifests
        clip = manifests.read("compat", "clip", ClipTable)
        table = manifests.read("compat", "pytorch3d", Pytorch3dTable)
        tree = next(one for one in manifests.trees() if one.kind == "dart")
        wanted: Dict[str, Tuple[Optional[str], Optional[str]]] = {
            DART: (self._stages.settings.source, tree.archive),
        }
        if not self._skips("clip"):
            wanted[CLIP] = (self._install.clip, clip.archive)
        if self._profile.pytorch3d == "transforms":
            wanted[PYTORCH3D] = (self._install.pytorch3d, table.pure_archive)
        elif self._profile.pytorch3d == "wheel":
            wheel = self._wheel()
            if wheel is None and self._install.pytorch3d is None:
                self._tell("pytorch3d: no wheel is known for this stack; carry one along")
            if wheel is not None:
                wanted[unquote(wheel.rpartition("/")[2])] = (self._install.pytorch3d, wheel)
        fetcher = Fetcher(state_folder() / "downloads")
        for name, (given, url) in wanted.items():
            if (self._folder / name).is_file():
                continue
            if given is not None and "://" not in given:
                self._tell(f"{name}: not downloaded, you gave {given}; carry it along")
                continue
            address = given or url
            if address is None:
                continue
            if self._dry_run:
                self._tell(f"{name}: from {shown_url(address)}")
                continue
            remote = Remote(id=name, kind="http", url=address, name=name, sure=False)
            fetcher.get_all([remote], {})
            outcome = fetcher.outcome(remote)
            if isinstance(outcome, FetchFault):
                raise outcome
            if outcome is None:
                raise FixFault(f"{name}: stopped before it came")
            bring(outcome.path, self._folder / name)
            self._tell(f"{name}: {outcome.size / 1e6:.1f} MB")

    def _skips(self, stage: str) -> bool:
        return any(self._stages.skips(one) for one in STAGES if one.id == stage)

    def _torch(self) -> str:
        found = self._lock.find("torch")
        return found.version.split("+")[0] if found is not None else ""

    def _wheel(self) -> Optional[str]:
        answer = wheel_for(
            self._python,
            self._torch(),
            self._profile.compute,
            self._profile.system,
            self._stages.manifests,
        )
        return answer.wheel.url if answer.wheel is not None else None


def _minor(python: Optional[str], known: Sequence[str]) -> str:
    """The version that is asked for, also by naming an interpreter. Raises UsageFault."""
    if python is None:
        return known[0]
    if not all(part.isdigit() for part in python.split(".")):
        found = ask(python)
        if found is None:
            raise UsageFault(
                f"{python}: no Python that runs", "an interpreter, or a version as 3.8"
            )
        python = found.version
    return ".".join(python.split(".")[:2])


def _env() -> Dict[str, str]:
    import os

    return {**os.environ, **own_path()}
