"""Fixes that set variables: for the environment that DART runs in, and nowhere else.

All of them share the environment's activation scripts, so one plan holds one step a file. A fix
takes effect in shells that activate the environment from then on; where the target is no
environment of its own, the commands are shown and nothing is done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from dartenv.checks.hardware import is_windows, minor, set_variables
from dartenv.checks.python import PATH_VARIABLES
from dartenv.facts.activation import VENV_NAME, Home, Variable, home_of, parse_script
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.activation import own_scripts, scripts
from dartenv.fixes.file_steps import Unreadable, possible, read_bytes, write_step
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, joint_fixer
from dartenv.fixes.steps import AnyStep, DisplayOnly, Need
from dartenv.manifests.compat_gpu import msvc_table, toolkit_table
from dartenv.manifests.loader import Manifests

CUDA = "cuda.env"
MSVC = "msvc.environment"
ISOLATION = "python.isolation"
CODE_PAGE = "host.code-page"

Found = List[Union[AnyStep, Refusal]]


class Wish(NamedTuple):
    """What one fix wants set, and why."""

    variables: Dict[str, Variable]
    reason: str


@joint_fixer(CUDA, MSVC, ISOLATION, CODE_PAGE)
def plan_environment(
    ids: Tuple[str, ...], facts: Facts, manifests: Manifests, target: TargetFacts
) -> Planned:
    """Steps that make the environment set what ``ids`` want."""
    found: Found = []
    wishes: Dict[str, Wish] = {}
    for fix in ids:
        wish = _wish(fix, facts, manifests, target)
        if isinstance(wish, Refusal):
            found.append(wish)
        elif wish.variables:
            wishes[fix] = wish
        if fix == ISOLATION:
            found += _leaking_variables(facts)
    if not wishes:
        return found
    home = home_of(facts.interpreter) if facts.interpreter is not None else None
    if home is None:
        return [*found, *(_by_hand(fix, wish, facts) for fix, wish in wishes.items())]
    return [*found, *_write(home, wishes)]


def _wish(
    fix: str, facts: Facts, manifests: Manifests, target: TargetFacts
) -> Union[Wish, Refusal]:
    if fix == CUDA:
        return _cuda(facts, manifests, target)
    if fix == MSVC:
        table = msvc_table(manifests)
        # Outside of a prompt the variable would keep setuptools from finding the compiler.
        value = Variable("1", when=table.prompt_variable)
        return Wish({table.sdk_variable: value}, f"{table.sdk_variable}=1 in Visual Studio prompts")
    if fix == ISOLATION:
        inside = facts.interpreter
        if inside is None or not inside.user_site_packages:
            return Wish({}, "")
        reason = f"keep {len(inside.user_site_packages)} packages of the user site out"
        return Wish({"PYTHONNOUSERSITE": Variable("1")}, reason)
    return Wish({"PYTHONUTF8": Variable("1")}, "let Python take UTF-8 for text")


def _cuda(facts: Facts, manifests: Manifests, target: TargetFacts) -> Union[Wish, Refusal]:
    profile_id = target.profile or facts.target.profile
    wanted = manifests.profile(profile_id).cuda if profile_id else None
    if wanted is None:
        return Refusal(fix=CUDA, reason="the profile names no CUDA")
    toolkits = facts.cuda.toolkits if facts.cuda is not None else ()
    fitting = [t for t in toolkits if t.version and minor(t.version) == minor(wanted)]
    if not fitting:
        return Refusal(fix=CUDA, reason=f"CUDA {wanted} is not installed here; see cuda.toolkit")
    best = next((t for t in fitting if t.nvcc is not False), fitting[0])
    names = toolkit_table(manifests).variables
    reason = f"{' and '.join(names)} at CUDA {minor(wanted)}"
    return Wish({name: Variable(best.path) for name in names}, reason)


def _leaking_variables(facts: Facts) -> Found:
    """PYTHONPATH and its like are somebody's choice: said, never unset."""
    inside = facts.interpreter
    if inside is None:
        return []
    windows = is_windows(facts.host)
    return [
        DisplayOnly(
            id=f"{ISOLATION}:{name}",
            fixes=(ISOLATION,),
            reason=f"{name}={inside.env[name]} comes before the environment's own packages",
            text=f"unset {name} where DART is run, unless it is meant",
            commands=(f"set {name}=" if windows else f"unset {name}",),
        )
        for name in PATH_VARIABLES
        if inside.env.get(name)
    ]


def _by_hand(fix: str, wish: Wish, facts: Facts) -> Union[AnyStep, Refusal]:
    if facts.interpreter is None:
        return Refusal(fix=fix, reason="no target interpreter; see python.version")
    values = {name: one.value for name, one in wish.variables.items()}
    where = facts.interpreter.environment or facts.interpreter.executable
    return DisplayOnly(
        id=f"{fix}:by-hand",
        fixes=(fix,),
        reason=f"{where} is no environment of its own, and dartenv sets nothing for all programs",
        text=wish.reason,
        commands=set_variables(values, None, facts.host),
    )


def _write(home: Home, wishes: Mapping[str, Wish]) -> Found:
    ids = tuple(wishes)
    current = _current(home)
    if isinstance(current, str):
        return [Refusal(fix=fix, reason=current, path=home.record) for fix in ids]
    merged = dict(current)
    for wish in wishes.values():
        merged.update(wish.variables)
    broken = _unfit(home, merged)
    if broken is not None:
        return [Refusal(fix=fix, reason=broken, path=home.record) for fix in ids]
    left = tuple(
        fix
        for fix, wish in wishes.items()
        if any(current.get(name) != value for name, value in wish.variables.items())
    )
    reason = "; ".join(wishes[fix].reason for fix in (left or ids))
    reason += ", in every new shell that activates the environment"
    if not home.conda:
        reason += f" with {VENV_NAME}"
    found: Found = []
    for path, content in scripts(home, merged).items():
        old = read_bytes(path)
        if isinstance(old, Unreadable):
            return [Refusal(fix=fix, reason=old.reason, path=path) for fix in ids]
        if old == content:
            continue
        step = write_step(left or ids, path, old, content, reason, needs=(Need.NEW_SHELL,))
        looked = possible(step, path)
        if isinstance(looked, tuple):
            return list(looked)
        found.append(looked)
    return found


def _current(home: Home) -> Union[Dict[str, Variable], str]:
    """What the scripts set already; a line that says why they are not touched."""
    record = read_bytes(home.record)
    if isinstance(record, Unreadable):
        return record.reason
    if record is None:
        current: Dict[str, Variable] = {}
    else:
        current = parse_script(record.decode("utf-8", errors="replace"), home.windows)
    for path, content in scripts(home, current).items():
        old = read_bytes(path)
        if isinstance(old, Unreadable):
            return old.reason
        if old is not None and old != content:
            return f"{path}: not as dartenv writes it; set the variables there by hand"
    return current


def _unfit(home: Home, variables: Mapping[str, Variable]) -> Optional[str]:
    """Why these variables cannot be set in scripts of this environment."""
    for name, one in variables.items():
        if any(character in one.value for character in '"\r\n\0'):
            return f"{name}: {one.value!r} cannot be written into a script"
    if home.conda:
        return None
    missing = [path for path in _needed(home) if not Path(path).is_file()]
    return f"{missing[0]} is not there, which activates the environment" if missing else None


def _needed(home: Home) -> Sequence[str]:
    return list(own_scripts(home).values())
