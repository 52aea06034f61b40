"""Reads every manifest as what it is, and holds them against each other."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

from dartenv.assets.spec import AssetsSpec
from dartenv.errors import UsageFault
from dartenv.install.mirrors import MirrorTable
from dartenv.manifests.compat_editor import EditorTable, MannequinTable, UnrealTable
from dartenv.manifests.compat_tools import ToolsTable
from dartenv.manifests.export import ExportSpec
from dartenv.manifests.loader import Manifests
from dartenv.manifests.lock_rules import LockRules
from dartenv.manifests.schema import Patch, Tree
from dartenv.manifests.validate import Problem, validate
from dartenv.smoke.scenario import ErrorTable, Scenario, StandInDefaults

# Those that are not tables of versions: folder, then stem ("*" for any other) and what it is.
KINDS: Dict[str, Dict[str, Any]] = {
    "assets": {"*": AssetsSpec},
    "compat": {
        "editor": EditorTable,
        "mannequin": MannequinTable,
        "tools": ToolsTable,
        "unreal": UnrealTable,
    },
    "export": {"bundle": ExportSpec},
    "install": {"locks": LockRules, "mirrors": MirrorTable},
    "patches": {"*": Patch},
    "scenarios": {"errors": ErrorTable, "standins": StandInDefaults, "*": Scenario},
    "trees": {"*": Tree},
}


def every_problem(manifests: Manifests) -> List[Problem]:
    """Every manifest that cannot be read, and everything in which they contradict each other."""
    unreadable = list(_unreadable(manifests))
    if unreadable:
        return unreadable  # the others cannot be judged by what is not there
    problems = validate(manifests)
    if any(problem.key == "file" for problem in problems):
        return problems
    return [*problems, *_roles(manifests)]


def _unreadable(manifests: Manifests) -> Iterator[Problem]:
    for folder, kinds in KINDS.items():
        for stem in dict.fromkeys([*(s for s in kinds if s != "*"), *manifests.stems(folder)]):
            kind = kinds.get(stem, kinds.get("*"))
            if kind is None:
                continue  # a table of versions, or of an extension
            try:
                manifests.read(folder, stem, kind)
            except UsageFault as fault:
                yield Problem(manifest=f"{folder}/{stem}", key="file", text=fault.render())


def _roles(manifests: Manifests) -> Iterator[Problem]:
    """The assets that a profile asks for are ones that its kind of tree has."""
    for profile in manifests.profiles():
        if profile.kind not in manifests.stems("assets"):
            continue
        known = _known_roles(manifests.read("assets", profile.kind, AssetsSpec))
        for role in profile.assets:
            if role not in known:
                yield Problem(
                    manifest=f"profiles/{profile.id}",
                    key="assets",
                    text=f"{role} is none of {', '.join(known)}",
                )


def _known_roles(spec: AssetsSpec) -> Tuple[str, ...]:
    roles = [one.role for one in spec.checkpoints]
    roles += ["statistics"] if spec.statistics is not None else []
    roles += [one.role for one in spec.files]
    roles += [one.role for one in spec.bodies]
    roles += ["clip"] if spec.clip is not None else []
    return tuple(dict.fromkeys(roles))
