"""Every probe with its limit: the only place that knows them all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Tuple

import msgspec

from dartenv.facts.collect import ProbePlan, Scope
from dartenv.facts.model import ProbeFailure, SourceFacts
from dartenv.facts.probed import Probed
from dartenv.facts.runner import SubprocessRunner

if TYPE_CHECKING:
    from dartenv.assets.spec import AssetsSpec
    from dartenv.facts.head_start import HeadStart
    from dartenv.manifests.compat_tools import ToolsTable

# Each probe is imported by its own thread, so that a run pays for the probes it makes alone.


def _host(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.host import probe_host
    from dartenv.manifests.compat_gpu import HostTable

    places: List[Tuple[str, str]] = []
    if scope.dart_root:
        places.append(("dart_root", scope.dart_root))
    if scope.python:
        places.append(("environment", scope.python))
    table = scope.manifests.read("compat", "host", HostTable)
    return probe_host(scope.env, scope.runner, places, table)


def _gpu(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.gpu import probe_gpu
    from dartenv.manifests.compat_gpu import DriverTable

    table = scope.manifests.read("compat", "driver", DriverTable)
    return probe_gpu(scope.runner, table, env=scope.env)


def _cuda(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.cuda import probe_cuda
    from dartenv.manifests.compat_gpu import ToolkitTable

    table = scope.manifests.read("compat", "toolkits", ToolkitTable)
    return probe_cuda(scope.env, scope.runner, table)


def _msvc(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.msvc import probe_msvc
    from dartenv.manifests.compat_gpu import MsvcTable

    table = scope.manifests.read("compat", "msvc", MsvcTable)
    return probe_msvc(scope.env, scope.runner, table)


def _interpreter(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.interpreter import probe_interpreter

    if scope.python is None:
        return _cannot(
            "interpreter",
            "no interpreter was given, and no conda or virtual environment is active: "
            "dartenv doctor --python EXE",
        )
    return probe_interpreter(scope.python, scope.runner, timeout=15, manifests=scope.manifests)


def _source(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    if scope.dart_root is None:
        return _cannot("source", "no DART tree was given or found")
    from dartenv.cache import looks_folder
    from dartenv.facts import places
    from dartenv.facts.source import probe_source
    from dartenv.facts.source_spec import source_spec

    git = places.first_on_path("git.exe" if os.name == "nt" else "git", scope.env)
    spec = source_spec(scope.manifests)
    facts = probe_source(scope.dart_root, spec, scope.runner, git, looks_folder())
    # A git that hangs or breaks is no fault of the tree: it is told with the other tools.
    return Probed(
        facts,
        tuple(
            ProbeFailure(probe="source", reason=problem.reason)
            for problem in facts.problems
            if problem.path == ".git"
        ),
    )


def _assets(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts import places

    if scope.dart_root is None or not places.is_dir(scope.dart_root):
        return _cannot("assets", "no DART tree to look in")
    from dartenv.facts.assets import probe_assets

    spec = assets_spec(scope, earlier.get("source"))
    return Probed(probe_assets(scope.dart_root, spec))


def assets_spec(scope: Scope, source: Optional[SourceFacts]) -> AssetsSpec:
    """The assets of the kind of tree that is looked at, with its own body model folder."""
    from dartenv.assets.spec import AssetsSpec

    kind = source.kind if source is not None and source.kind else "dart"
    spec = scope.manifests.read("assets", kind, AssetsSpec)
    if source is not None and source.body_model_dir:
        spec = msgspec.structs.replace(spec, body_model_dir=source.body_model_dir)
    return spec


def _conda(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.conda import probe_conda

    return probe_conda(scope.env, scope.runner, _tools(scope))


def _pip(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.tools import probe_pip

    return probe_pip(scope.env, _tools(scope))


def _git(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.tools import probe_git

    return probe_git(scope.env, _tools(scope))


def _begin_imports(scope: Scope) -> Optional[HeadStart]:
    """Load torch already while the interpreter is asked what it is, where its folder tells."""
    from dartenv.facts.head_start import begin

    if scope.begun is not None:
        return scope.begun
    # A runner that only replays has nothing to begin.
    if not isinstance(scope.runner, SubprocessRunner):
        return None
    return begin(scope.python, scope.dart_root, scope.tree, scope.profile, scope.manifests)


def _imports(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.imports import probe_imports

    interpreter = earlier.get("interpreter")
    begun: Optional[HeadStart] = earlier.get("early")
    if interpreter is None:
        if begun is not None:
            begun.abandon()
        return _cannot("imports", "there is no interpreter to import in")
    tree = scope.tree
    return probe_imports(
        interpreter,
        scope.profile,
        scope.dart_root if tree is not None else None,
        scope.runner,
        manifests=scope.manifests,
        kind=tree.kind if tree is not None else "dart",
        begun=begun,
    )


def _editor(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.editor import probe_editor
    from dartenv.manifests.compat_editor import EditorTable

    if scope.dart_root is None:
        return _cannot("editor", "no DART tree to look in")
    return probe_editor(scope.dart_root, scope.manifests.read("compat", "editor", EditorTable))


def _unreal(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
    from dartenv.facts.unreal import probe_unreal
    from dartenv.manifests.compat_editor import UnrealTable

    table = scope.manifests.read("compat", "unreal", UnrealTable)
    return probe_unreal(scope.env, scope.runner, table, scope.dart_root)


def _tools(scope: Scope) -> ToolsTable:
    from dartenv.manifests.compat_tools import ToolsTable

    return scope.manifests.read("compat", "tools", ToolsTable)


def _cannot(probe: str, reason: str) -> Probed[Any]:
    return Probed(None, (ProbeFailure(probe=probe, reason=reason),))


PLANS: Tuple[ProbePlan, ...] = (
    ProbePlan("host", _host, 10),
    ProbePlan("gpu", _gpu, 18),
    ProbePlan("cuda", _cuda, 18),
    ProbePlan("msvc", _msvc, 18),
    ProbePlan("interpreter", _interpreter, 18),
    ProbePlan("source", _source, 18),
    ProbePlan("assets", _assets, 60, after=("source",)),
    # Not beside the scan of the source, which would take a processor from the process with torch.
    ProbePlan("imports", _imports, 150, after=("interpreter", "source"), early=_begin_imports),
    ProbePlan("conda", _conda, 18),
    ProbePlan("pip", _pip, 10),
    ProbePlan("git", _git, 10),
    ProbePlan("editor", _editor, 10),
    ProbePlan("unreal", _unreal, 18),
)
