"""Which CUDA and cuDNN the packages of a target bring, and which they expect from each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Set, Tuple

import msgspec

from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import not_needed, numbers, within
from dartenv.checks.registry import check, finding
from dartenv.facts.model import DistributionFacts, InterpreterFacts
from dartenv.manifests.compat import OnnxRuntimeRow, OnnxRuntimeTable, TorchTable
from dartenv.manifests.compat_gpu import ToolkitTable, toolkit_table
from dartenv.manifests.loader import Manifests


@dataclass(frozen=True)
class Claim:
    """One major version of CUDA or cuDNN that a package brings or expects."""

    family: str  # "CUDA" or "cuDNN"
    major: str
    owner: str
    evidence: str
    source: str


@check("cuda.runtime-mix", needs=("python.version",))
def cuda_runtime_mix(interpreter: InterpreterFacts, manifests: Manifests) -> Iterator[Finding]:
    """CUDA and cuDNN libraries of different major versions."""
    brought = _brought(interpreter, toolkit_table(manifests))
    brought.extend(_bundled(interpreter, brought, manifests))
    expected = _expected(interpreter, manifests)
    if not brought and not expected:
        yield not_needed("no package here brings or expects CUDA libraries")
        return
    unmet = [claim for claim in expected if _is_unmet(claim, brought)]
    if unmet:
        yield from (_mixed(claim, brought) for claim in unmet)
        return
    majors = _majors(brought)
    several = [family for family, owners in majors.items() if len(owners) > 1]
    shown = ", ".join(
        f"{family} {' and '.join(sorted(owners))}" for family, owners in sorted(majors.items())
    )
    evidence = _evidence(brought + expected)
    if several:
        yield finding(
            Status.INFO,
            f"{shown} side by side, each package finds its own",
            found=shown,
            evidence=evidence,
            why="the file names differ by major version, so both load; mind the memory",
            source="file names of the libraries",
        )
    else:
        yield finding(Status.OK, shown or "what is expected is there", evidence=evidence)


def _brought(interpreter: InterpreterFacts, table: ToolkitTable) -> List[Claim]:
    claims: List[Claim] = []
    for dll in interpreter.dlls:
        for row in table.library:
            match = re.match(row.pattern, dll.name, re.IGNORECASE)
            if match:
                owner = dll.owner or dll.path
                claims.append(Claim(row.family, match.group(1), owner, dll.path, row.source))
                break
    return claims


def _bundled(interpreter: InterpreterFacts, seen: List[Claim], manifests: Manifests) -> List[Claim]:
    """What torch's build brings by its name, where its libraries were not seen by theirs."""
    torch = _distribution(interpreter, "torch")
    compute = _compute(torch, interpreter) if torch is not None else None
    if torch is None or compute is None:
        return []
    families = {claim.family for claim in seen}
    shown = f"torch {torch.version}"
    claims: List[Claim] = []
    if "CUDA" not in families:
        claims.append(Claim("CUDA", compute[2:-1], "torch", shown, "torch's local version"))
    if "cuDNN" not in families and "torch" in manifests.stems("compat"):
        table = manifests.read("compat", "torch", TorchTable)
        claims.extend(
            Claim("cuDNN", _major(row.version), "torch", shown, row.source)
            for row in table.cudnn
            if row.compute == compute and within(torch.version, row.torch)
        )
    return claims


def _compute(torch: DistributionFacts, interpreter: InterpreterFacts) -> Optional[str]:
    """The platform that torch was built for, "cu118"; ``None`` for a build without CUDA."""
    local = torch.version.partition("+")[2]
    cuda = _constant(interpreter, "torch", "cuda")
    if not local and cuda is not None:  # conda's torch has no local version
        local = "cu" + "".join(str(part) for part in numbers(cuda)[:2])
    return local if re.match(r"cu\d{3,}$", local) else None


def _expected(interpreter: InterpreterFacts, manifests: Manifests) -> List[Claim]:
    """What ONNX Runtime's CUDA provider loads by name."""
    if "onnxruntime" not in manifests.stems("compat"):
        return []
    table = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    claims: List[Claim] = []
    for dist in interpreter.distributions:
        rows = [
            row
            for row in table.rows
            if row.package == dist.name and row.cuda and within(dist.version, row.versions)
        ]
        row = _built_for(rows, interpreter)
        if row is None:
            continue
        shown = f"{dist.name} {dist.version}"
        claims.append(Claim("CUDA", _major(row.cuda or ""), dist.name, shown, row.source))
        if row.cudnn:
            claims.append(Claim("cuDNN", _major(row.cudnn), dist.name, shown, row.source))
    return claims


def _built_for(
    rows: List[OnnxRuntimeRow], interpreter: InterpreterFacts
) -> Optional[OnnxRuntimeRow]:
    """The row of the build that is installed: one version exists for several CUDA majors."""
    told = _constant(interpreter, "onnxruntime", "cuda_version")
    for row in rows:
        if told is not None and _major(row.cuda or "") == _major(told):
            return row
    return next((row for row in rows if row.index == "main"), rows[0] if rows else None)


def _constant(interpreter: InterpreterFacts, module: str, name: str) -> Optional[str]:
    for one in interpreter.modules:
        if one.name == module:
            value = one.constants.get(name)
            return value if value and numbers(value) else None
    return None


def _is_unmet(claim: Claim, brought: List[Claim]) -> bool:
    """Others bring the library, but none in the major version that this one loads.

    Where nobody brings it at all it has to come from the system, which is ort.package's matter.
    """
    majors = {other.major for other in brought if other.family == claim.family}
    return bool(majors) and claim.major not in majors


def _mixed(claim: Claim, brought: List[Claim]) -> Finding:
    others = [other for other in brought if other.family == claim.family]
    have = ", ".join(
        dict.fromkeys(f"{other.owner} brings {other.family} {other.major}" for other in others)
    )
    found = f"{have}; {claim.evidence} loads {claim.family} {claim.major}"
    value = finding(
        Status.FAIL,
        found,
        found=found,
        wanted=f"{claim.family} of one major version, or {claim.family} {claim.major} beside it",
        evidence=_evidence([*others, claim]),
        why=f"{claim.owner} finds no library of its major version and falls back to the CPU, "
        "or takes both down with it",
        fix="ort.package",
        remedy=f"install the {claim.owner} that fits, which ort.package names",
        commands=("dartenv explain ort.package",),
        source=claim.source,
    )
    return msgspec.structs.replace(value, cause="ort.package")


def _majors(claims: List[Claim]) -> Dict[str, Set[str]]:
    majors: Dict[str, Set[str]] = {}
    for claim in claims:
        majors.setdefault(claim.family, set()).add(claim.major)
    return majors


def _evidence(claims: List[Claim]) -> Tuple[str, ...]:
    lines = (f"{c.family} {c.major}: {c.owner} ({c.evidence})" for c in claims)
    return tuple(dict.fromkeys(lines))


def _distribution(interpreter: InterpreterFacts, name: str) -> Optional[DistributionFacts]:
    return next((dist for dist in interpreter.distributions if dist.name == name), None)


def _major(version: str) -> str:
    return version.split(".")[0]
