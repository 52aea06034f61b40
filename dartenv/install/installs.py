"""What installs each part of a profile: its commands, in the order in which they build on each other."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Union
from urllib.parse import unquote

from dartenv.checks.ort import cudnn_package
from dartenv.checks.packages_together import choice
from dartenv.facts.lookup import distribution, minor, system_of, torch_seen, torch_wanted
from dartenv.facts.model import InterpreterFacts
from dartenv.fixes.plan import Refusal
from dartenv.fixes.steps import AnyStep, Safety
from dartenv.install.carried import CLIP, PYTORCH3D, nowhere, source_of
from dartenv.install.settings import SAME, active
from dartenv.install.tools import (
    LIMIT,
    TORCH_LIMIT,
    Change,
    Tool,
    index_options,
    run_step,
)
from dartenv.install.wanted import (
    Wish,
    change_of,
    file_step,
    lacking,
    lock_for,
    unlocked,
    wish,
)
from dartenv.manifests.compat import (
    ClipTable,
    OnnxRuntimeTable,
    Pytorch3dTable,
    SharedTable,
    TorchTable,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.locks import LockedPackage
from dartenv.manifests.schema import Profile
from dartenv.manifests.wheels import wheel_for

Found = List[Union[AnyStep, Refusal]]

NOTHING = "nothing of it is missing"
PLAIN_ROLES = ("requirement", "dependency", "build")


class Installs:
    """Plans installations into one target."""

    def __init__(
        self, interpreter: InterpreterFacts, profile: Profile, manifests: Manifests, tool: Tool
    ) -> None:
        self.interpreter = interpreter
        self.profile = profile
        self.manifests = manifests
        self.tool = tool
        self.settings = active()
        self.lock = lock_for(interpreter, profile, manifests)

    def locked(self, *roles: str) -> List[LockedPackage]:
        """The lock's packages of these roles."""
        return [one for one in self.lock.package if one.role in roles] if self.lock else []

    def requirements(self, fix: str) -> Found:
        """Everything the entry points import, but torch and what is built against it."""
        if self.lock is None:
            wanted = unlocked(self.interpreter, self.profile)
            return self._from_index(fix, wanted, f"what profile {self.profile.id} pins")
        missing = lacking(self.locked(*PLAIN_ROLES), self.interpreter, self.profile)
        missing = [one for one in missing if one.index == "pypi"]
        return self._plain(fix, missing, f"what the lock of profile {self.profile.id} names")

    def torch(self, fix: str) -> Found:
        """torch and its companions, from their own index alone."""
        wanted = torch_wanted(self.profile, self.interpreter.version)
        if wanted is None:
            return [Refusal(fix=fix, reason=f"profile {self.profile.id} names no torch")]
        packages = [one for one in self.locked("torch") if one.index == "torch"]
        if packages:
            asked = wish(packages)
        else:
            names = [f"torch=={wanted}"]
            names += [f"torchvision=={v}" for v in (self._torchvision(wanted),) if v]
            asked = Wish(tuple(names), tuple(n.split("==")[0] for n in names), False)
        index = self.settings.torch_index or self.profile.torch_index
        same = index is None or index == SAME
        arguments = list(asked.lines) if not asked.hashed else []
        steps: Found = []
        if asked.hashed:
            path, wrote = file_step(fix, asked, "what is installed, with hashes", Safety.UNSAFE)
            steps += wrote
            arguments = ["--no-deps", "--require-hashes", "-r", path]
        where = "the index of everything else" if same else str(index)
        steps.append(
            self._step(
                fix,
                [*index_options(self.settings, None if same else index), *arguments],
                asked.names,
                f"torch {wanted} and its companions, from {where}",
                own_index=not same,
                timeout=TORCH_LIMIT,
            )
        )
        return steps

    def clip(self, fix: str) -> Found:
        """OpenAI's CLIP, from its source."""
        table = self.manifests.read("compat", "clip", ClipTable)
        source = source_of(self.settings, self.settings.clip, CLIP, table.archive)
        if source is None:
            return [Refusal(fix=fix, reason=nowhere(CLIP, "--clip"))]
        return self._built(fix, source, table.distribution, "OpenAI's CLIP", {})

    def pytorch3d(self, fix: str) -> Found:
        """The wheel for exactly this torch, or the Python part where that is enough."""
        table = self.manifests.read("compat", "pytorch3d", Pytorch3dTable)
        needs = self._plain(
            fix,
            lacking(
                [one for one in self.locked("pytorch3d") if one.index == "pypi"],
                self.interpreter,
                self.profile,
            ),
            "what pytorch3d requires",
        )
        if self.profile.pytorch3d == "transforms":
            given = self.settings.pytorch3d
            source = source_of(self.settings, given, PYTORCH3D, table.pure_archive)
            if source is None:
                return [Refusal(fix=fix, reason=nowhere(PYTORCH3D, "--pytorch3d"))]
            env = {table.pure_variable: "1"}
            title = "pytorch3d without its compiled part, which DART does not use"
            return [*needs, *self._built(fix, source, "pytorch3d", title, env)]
        if self.settings.pytorch3d:
            return [*needs, *self._wheel(fix, self.settings.pytorch3d, "the pytorch3d given")]
        torch = (torch_wanted(self.profile, self.interpreter.version) or "").split("+")[0]
        seen = torch_seen(
            self.interpreter,
            self.manifests.read("compat", "torch", TorchTable),
            system_of(self.interpreter, self.profile),
        )
        if seen is not None and seen.compute == self.profile.compute:
            torch = seen.public
        system = system_of(self.interpreter, self.profile)
        answer = wheel_for(
            minor(self.interpreter.version), torch, self.profile.compute, system, self.manifests
        )
        if answer.wheel is None or answer.wheel.url is None or answer.wheel.kind != "pip":
            return [Refusal(fix=fix, reason=f"no wheel is known for {answer.wanted}")]
        title = f"pytorch3d {answer.wheel.version}, built for {answer.wanted}"
        name = unquote(answer.wheel.url.rpartition("/")[2])
        wheel = source_of(self.settings, None, name, answer.wheel.url)
        if wheel is None:
            return [Refusal(fix=fix, reason=nowhere(name, "--pytorch3d"))]
        return [*needs, *self._wheel(fix, wheel, title)]

    def onnxruntime(self, fix: str) -> Found:
        """ONNX Runtime as the profile has it, and what an export needs."""
        locked = self.locked("ort")
        packages = lacking(locked, self.interpreter, self.profile)
        packages += [one for one in locked if one not in packages and self._other_runtime(one)]
        wanted = self.profile.onnxruntime
        if wanted is None:
            return [Refusal(fix=fix, reason=NOTHING)]
        steps = self._without_other_runtimes(fix, wanted)
        if self.lock is not None:
            steps += self._plain(fix, packages, f"ONNX Runtime of profile {self.profile.id}")
        else:
            asked = Wish((wanted,), (wanted.partition("==")[0],), False)
            steps += self._from_index(fix, asked, f"what profile {self.profile.id} pins")
        table = self.manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
        extra = cudnn_package(wanted, self.interpreter, table)
        if extra is not None:
            brings = Wish((extra,), (extra.partition("==")[0],), False)
            steps += self._from_index(fix, brings, f"the cuDNN that {wanted} loads")
        return steps

    def duplicates(self, fix: str) -> Found:
        """Of packages that share an import name, the right one alone."""
        table = self.manifests.read("compat", "shared", SharedTable)
        steps: Found = []
        for row in table.exclusive:
            present = [n for n in row.distributions if distribution(self.interpreter, n)]
            if len(present) < 2:
                continue
            keep = choice(self.profile, row, present)
            wrong = [name for name in present if name != keep]
            kept = distribution(self.interpreter, keep)
            before = change_of(present, self.interpreter)
            steps.append(
                run_step(
                    self.tool,
                    self.tool.uninstall(*wrong),
                    name=f"{fix}:{row.module}",
                    fix=fix,
                    reason=f"both bring {row.module}; {keep} is the one of the profile",
                    change=before,
                    settings=self.settings,
                )
            )
            if kept is not None:
                again = ["--force-reinstall", "--no-deps", f"{keep}=={kept.version}"]
                where = index_options(self.settings)
                steps.append(
                    run_step(
                        self.tool,
                        self.tool.install(*where, *again),
                        name=f"{fix}:{keep}",
                        fix=fix,
                        reason="files that both brought went with the other",
                        change=Change(),
                        settings=self.settings,
                    )
                )
        return steps or [Refusal(fix=fix, reason="which of them nothing needs is yours to say")]

    def _plain(self, fix: str, packages: Sequence[LockedPackage], reason: str) -> Found:
        """Locked packages of the ordinary index, wheels first, then what is built here."""
        wheels = [one for one in packages if not one.sdist]
        built = [one for one in packages if one.sdist]
        steps: Found = []
        for part, more in ((wheels, []), (built, ["--no-build-isolation"])):
            if not part:
                continue
            asked = wish(part)
            path, wrote = file_step(fix, asked, "what is installed, with hashes", Safety.UNSAFE)
            steps += wrote
            hashes = ["--require-hashes"] if asked.hashed else []
            shown = f"{len(part)} package{'s' if len(part) != 1 else ''}: {reason}"
            steps.append(
                self._step(
                    fix,
                    [*index_options(self.settings), *more, "--no-deps", *hashes, "-r", path],
                    asked.names,
                    shown + (", built from source here" if more else ""),
                )
            )
        return steps

    def _from_index(self, fix: str, asked: Wish, reason: str) -> Found:
        if not asked.lines:
            return []
        arguments = [*index_options(self.settings), *asked.lines]
        return [self._step(fix, arguments, asked.names, reason)]

    def _built(self, fix: str, source: str, name: str, title: str, env: Dict[str, str]) -> Found:
        """A package of pure Python from its source; setuptools is the lock's own."""
        tools = lacking(self.locked("build"), self.interpreter, self.profile)
        missing = [one for one in tools if distribution(self.interpreter, one.name) is None]
        alone = ["--no-deps", "--no-build-isolation"] if self.lock is not None else []
        step = self._step(
            fix,
            [*index_options(self.settings), *alone, source],
            (name,),
            f"{title}, from {source}",
            env=env,
        )
        return [*self._plain(fix, missing, "what builds it"), step]

    def _wheel(self, fix: str, source: str, title: str) -> Found:
        arguments = [*index_options(self.settings), "--no-deps", source]
        return [self._step(fix, arguments, ("pytorch3d",), f"{title}, from {source}")]

    def _step(
        self,
        fix: str,
        arguments: Sequence[str],
        names: Sequence[str],
        reason: str,
        *,
        own_index: bool = False,
        env: Optional[Dict[str, str]] = None,
        timeout: float = LIMIT,
    ) -> AnyStep:
        return run_step(
            self.tool,
            self.tool.install(*arguments),
            name=f"{fix}:{names[0]}",
            fix=fix,
            reason=reason,
            change=change_of(names, self.interpreter),
            settings=self.settings,
            own_index=own_index,
            env=env,
            timeout=timeout,
        )

    def _without_other_runtimes(self, fix: str, wanted: str) -> Found:
        """Two distributions of ONNX Runtime own the same files."""
        table = self.manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
        others = [one.name for one in table.packages if one.name != wanted.partition("==")[0]]
        present = [name for name in others if distribution(self.interpreter, name) is not None]
        if not present:
            return []
        return [
            run_step(
                self.tool,
                self.tool.uninstall(*present),
                name=f"{fix}:{present[0]}",
                fix=fix,
                reason=f"it owns the same files as {wanted}",
                change=change_of(present, self.interpreter),
                settings=self.settings,
            )
        ]

    def _other_runtime(self, one: LockedPackage) -> bool:
        """Whether ``one`` is the profile's pinned ONNX Runtime, and another version is there."""
        name, _, pin = (self.profile.onnxruntime or "").partition("==")
        has = distribution(self.interpreter, one.name)
        return one.name == name and bool(pin) and has is not None and has.version != one.version

    def _torchvision(self, torch: str) -> Optional[str]:
        if self.profile.torchvision:
            return self.profile.torchvision
        table = self.manifests.read("compat", "torch", TorchTable)
        public = torch.split("+")[0]
        return next((r.torchvision for r in table.releases if r.version == public), None)
