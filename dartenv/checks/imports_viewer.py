"""Deep check of the viewer: pyrender and a place to draw."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.imported import OUTCOMES, follows, not_looked_at, results_of, told, words_of
from dartenv.checks.registry import check, finding
from dartenv.facts.model import HostFacts, ImportsFacts
from dartenv.manifests.compat import ImportTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("imports.viewer", needs=("packages.torch",))
def imports_viewer(
    imports: ImportsFacts, host: Optional[HostFacts], profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """The viewer's packages import, and there is a place to draw."""
    table = manifests.read("compat", "imports", ImportTable)
    if not any(one.name == table.viewer for one in profile.requirements):
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    found = results_of(imports, "imports.viewer")
    loaded = found.get("imports.viewer")
    if loaded is None:
        yield not_looked_at()
        return
    if loaded.outcome == "missing" and (loaded.module or "").split(".")[0] == table.viewer:
        yield follows("packages.requirements")
        return
    bad = [result for result in found.values() if not result.ok]
    if not bad:
        context = found.get("imports.viewer:context")
        where = context.details.get("renderer") if context is not None else None
        yield finding(
            Status.OK, "pyrender draws" + (f" with {where}" if where else ""), evidence=()
        )
        return
    first = bad[0]
    part = first.name.partition(":")[2] or "import"
    what = {"mesh": "measures no mesh", "context": "has no place to draw"}.get(
        part, OUTCOMES.get(first.outcome, "does not import")
    )
    yield finding(
        Status.WARN,
        f"pyrender {what}: {first.error}",
        found=told(first),
        wanted="a display, or EGL or OSMesa on Linux, and a numpy that pyrender knows",
        evidence=[f"{r.name}: {told(r)}" for r in bad[1:]] + words_of(first),
        why="the interactive demo (mld.rollout_demo) draws with it; rollouts to files do not",
        remedy=_VIEWER_REMEDY.get(part, "install pyrender with what it needs again"),
        commands=_commands(part, host),
        source="pyrender 0.1.45; its documentation on offscreen rendering",
    )


_VIEWER_REMEDY: Dict[str, str] = {
    "mesh": "take a numpy below 2: packages.numpy says which",
    "context": "run it where a display is: on Linux without one, `xvfb-run -a`, or set"
    " PYOPENGL_PLATFORM to egl before the program starts; Windows has neither EGL nor OSMesa",
}


def _commands(part: str, host: Optional[HostFacts]) -> Tuple[str, ...]:
    if part == "mesh":
        return ("dartenv explain packages.numpy",)
    if part == "context":
        linux = host is not None and host.system == "linux"
        return ("xvfb-run -a dartenv smoke viewer",) if linux else ()
    return ("dartenv fix packages.requirements",)
