"""The stages of a bootstrap, in dependency order; each is a plan of its own, applied as a fix is.

A stage looks at the machine first: what is there already is not done again, which is how a
second run ends in seconds and an interrupted one goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Tuple

from dartenv.bootstrap.backends import Backend, Choosing
from dartenv.bootstrap.environment import (
    environment_steps,
    settings_steps,
    standing,
)
from dartenv.bootstrap.layout import Layout
from dartenv.bootstrap.record import Settings
from dartenv.bootstrap.source import source_steps
from dartenv.examine import Examined, Request, collected, examine
from dartenv.facts.model import CondaFacts, TargetFacts
from dartenv.fixes import all_fixes
from dartenv.fixes.plan import Plan, new_plan
from dartenv.fixes.registry import make_plan
from dartenv.fixes.report import Verdicts
from dartenv.fixes.steps import AnyStep
from dartenv.install.carried import DART, carried
from dartenv.install.installs import NOTHING
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile
from dartenv.repair import verify, wanted_fixes
from dartenv.target import Target, tree_kind


@dataclass(frozen=True)
class Stage:
    """One part of the way. ``checks`` are examined; ``fixes`` are those of theirs it applies."""

    id: str
    title: str
    checks: Tuple[str, ...] = ()
    fixes: Tuple[str, ...] = ()
    fatal: bool = True  # without it, nothing after it can work


STAGES: Tuple[Stage, ...] = (
    Stage("source", "DART's source"),
    Stage("environment", "environment"),
    Stage("settings", "settings"),
    Stage("packages", "packages", ("packages.requirements",), ("packages.requirements",)),
    Stage("torch", "torch", ("packages.torch",), ("packages.torch",)),
    Stage("clip", "CLIP", ("packages.clip",), ("packages.clip",)),
    Stage("pytorch3d", "pytorch3d", ("wheels.pytorch3d",), ("wheels.pytorch3d",)),
    Stage("onnxruntime", "ONNX Runtime", ("ort.package",), ("ort.package",), fatal=False),
    Stage("patches", "source patches", ("source",), ("source",)),
    Stage("assets", "assets", ("assets",), ("assets",), fatal=False),
    Stage("editor", "editor files", ("editor",), ("editor",), fatal=False),
)


@dataclass(frozen=True)
class Prepared:
    """What a stage would do: a plan with steps, or nothing (``why`` says why)."""

    plan: Optional[Plan] = None
    why: str = ""
    skipped: Dict[str, str] = field(default_factory=dict)


class Stages:
    """Plans the stages of one folder."""

    def __init__(
        self,
        layout: Layout,
        profile: Profile,
        settings: Settings,
        manifests: Manifests,
        windows: bool,
    ) -> None:
        self.layout = layout
        self.profile = profile
        self.settings = settings
        self.manifests = manifests
        self.windows = windows
        self._seen: Optional[Examined] = None
        self._backend: Optional[Backend] = None
        all_fixes()

    def prepare(self, stage: Stage) -> Prepared:
        """The plan of a stage, from the machine as it is now. Raises UsageFault."""
        if stage.id == "source":
            return self._own(
                source_steps(self.layout, self.source(), self.manifests.trees()),
                f"at {self.layout.tree}",
            )
        if stage.id == "environment":
            found = standing(self.layout)
            if found is not None:
                return Prepared(why=f"Python {found.version} in {self.layout.environment}")
            return self._own(environment_steps(self.layout, self.backend()), "")
        if stage.id == "settings":
            steps = settings_steps(
                self.layout, self.profile.id, self.python(), self.settings.install
            )
            return self._own(steps, f"in {self.layout.config}")
        if stage.id == "onnxruntime":
            return self._wanted(stage, always=stage.fixes)
        return self._wanted(stage)

    def request(self, checks: Sequence[str]) -> Request:
        """A look at what has been made so far."""
        tree = self.layout.tree
        there = tree.is_dir() and tree_kind(tree, self.manifests.trees()) is not None
        return Request(
            manifests=self.manifests,
            target=Target(
                dart_root=str(tree) if there else None,
                python=self.python(),
                profile=self.profile.id,
            ),
            select=tuple(checks),
            shallow=True,
            command="bootstrap",
        )

    def verify(self, stage: Stage) -> Callable[[Tuple[str, ...]], Verdicts]:
        """Whether a stage's own checks pass once it is done."""

        def own(fixes: Tuple[str, ...]) -> Verdicts:
            if stage.id == "environment":
                found = standing(self.layout)
                if found is None:
                    said = f"{self.layout.environment}: no Python in it runs"
                    return dict.fromkeys(fixes, (False, said))
                return dict.fromkeys(fixes, (True, f"Python {found.version}"))
            if stage.id == "source":
                there = tree_kind(self.layout.tree, self.manifests.trees()) is not None
                said = f"{self.layout.tree}: not a DART tree"
                return dict.fromkeys(fixes, (there, "" if there else said))
            if stage.id == "settings":
                return dict.fromkeys(fixes, (True, ""))
            return verify(self.request(()), fixes)

        return own

    def backend(self) -> Backend:
        """What makes the environment. Raises UsageFault where nothing can."""

        def conda() -> Optional[CondaFacts]:
            return collected(self.request(()), ["conda"]).conda

        if self._backend is None:  # what the outline named is what is done
            choosing = Choosing(self.profile, self.settings.install, conda)
            asked = self.settings.backend or "auto"
            self._backend = choosing.choose(asked, self.settings.python)
        return self._backend

    def python(self) -> str:
        """The environment's interpreter, also before it is there."""
        found = standing(self.layout)
        if found is not None:
            return found.executable
        parts = ("Scripts", "python.exe") if self.windows else ("bin", "python")
        return str(Path(self.layout.environment, *parts))

    def source(self) -> Optional[str]:
        """Where DART comes from, if not from where it is published."""
        return self.settings.source or carried(self.settings.install, DART)

    def _own(self, steps: Sequence[AnyStep], why: str) -> Prepared:
        if not steps:
            return Prepared(why=why)
        target = TargetFacts(dart_root=None, python=None, profile=self.profile.id)
        return Prepared(new_plan(target, steps))

    def _wanted(self, stage: Stage, always: Sequence[str] = ()) -> Prepared:
        examined = self._look()
        offered, skipped = wanted_fixes(examined, [])
        mine = [fix for fix in offered if _belongs(fix, stage.fixes)]
        mine += [fix for fix in always if fix not in mine]
        why = _state(examined, stage)
        if not mine:
            return Prepared(why=why, skipped=skipped)
        plan = make_plan(mine, examined.facts, self.manifests, examined.facts.target)
        if not plan.steps and all(refusal.reason == NOTHING for refusal in plan.refusals):
            return Prepared(why=why, skipped=skipped)
        return Prepared(plan, why, skipped)

    def skips(self, stage: Stage) -> bool:
        """Whether the profile has no use for a stage."""
        if stage.id == "clip":
            return self.profile.kind == "sandbox"
        return stage.id == "pytorch3d" and self.profile.pytorch3d == "none"

    def changed(self) -> None:
        """Something was done: what was seen before does not hold any more."""
        self._seen = None

    def _look(self) -> Examined:
        """One look at everything that the later stages judge, as long as nothing changes."""
        if self._seen is None:
            checks = dict.fromkeys(check for stage in STAGES for check in stage.checks)
            self._seen = examine(self.request(tuple(checks)))
        return self._seen


def _belongs(fix: str, wanted: Sequence[str]) -> bool:
    return any(fix == one or fix.startswith(one + ".") for one in wanted)


def _state(examined: Examined, stage: Stage) -> str:
    """The first thing of a stage that is not fine, else what is."""
    findings = [one for one in examined.report.findings if _belongs(one.check, stage.checks)]
    worst = max(findings, key=lambda item: item.status.gravity, default=None)
    return worst.summary if worst is not None else ""
