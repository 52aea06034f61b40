"""Which compiled pytorch3d fits a Python, torch, CUDA and operating system: from the table alone."""

from __future__ import annotations

import itertools
from typing import Iterator, List, Optional, Tuple, Union

import msgspec

from dartenv.errors import UsageFault
from dartenv.manifests.compat import CondaRow, Pytorch3dTable, WheelRow
from dartenv.manifests.loader import Manifests


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """One compiled pytorch3d: what it is called and how it is installed."""

    version: str  # "0.7.8+pt2.4.1cu118"
    python: str
    torch: str
    compute: str
    system: str
    kind: str  # "pip" or "conda"
    file: Optional[str] = None
    url: Optional[str] = None
    command: str = ""
    seen: bool = False  # somebody was seen to use this very file
    source: str = ""


class WheelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The wheel for a combination, or the nearest combination that has one."""

    wanted: str  # the combination asked for, in words
    wheel: Optional[Wheel] = None
    nearest: Optional[Wheel] = None
    differs: Tuple[str, ...] = ()  # how the nearest one differs, in words
    source: str = ""


def wheel_for(
    python: str, torch: str, cuda: Optional[str], os: str, manifests: Manifests
) -> WheelAnswer:
    """The compiled pytorch3d for Python ``python`` ("3.8"), torch ("2.4.1"), CUDA and system.

    ``cuda`` is "11.8", "cu118", or ``None`` or "cpu" for a CPU build; ``os`` is "windows" or
    "linux". Patch versions of Python and local tags of torch are ignored.
    """
    table = manifests.read("compat", "pytorch3d", Pytorch3dTable)
    python = ".".join(python.split(".")[:2])
    torch = torch.split("+")[0]
    compute = compute_name(cuda)
    wanted = f"Python {python}, torch {torch}, {compute}, {os}"
    exact = list(_matching(table, python, torch, compute, os))
    if exact:
        # A pip wheel before conda's build: it installs into every kind of environment.
        best = min(exact, key=lambda w: (w.kind != "pip", [-n for n in _numbers(w.version)]))
        return WheelAnswer(wanted=wanted, wheel=best, source=best.source)
    nearest = _nearest(list(_all(table)), python, torch, compute, os)
    differs = tuple(_differences(nearest, python, torch, compute)) if nearest else ()
    return WheelAnswer(wanted=wanted, nearest=nearest, differs=differs, source=table.source)


def compute_name(cuda: Optional[str]) -> str:
    """torch's word for a CUDA version; UsageFault for something that is none."""
    if cuda is None or cuda.lower() in ("", "cpu", "none"):
        return "cpu"
    text = cuda.lower()
    digits = text[2:] if text.startswith("cu") else "".join(text.split(".")[:2])
    if not digits.isdigit() or len(digits) < 2:
        raise UsageFault(f"{cuda!r} is not a CUDA version", "11.8, cu118 or cpu")
    return f"cu{digits}"


def _matching(
    table: Pytorch3dTable, python: str, torch: str, compute: str, system: str
) -> Iterator[Wheel]:
    """The wheels and builds of exactly this combination."""

    def holds(row: Union[WheelRow, CondaRow]) -> bool:
        return (
            python in row.python
            and torch in row.torch
            and compute in row.compute
            and system in row.systems
        )

    for row in table.wheels:
        if holds(row):
            yield _pip_wheel(table, row, torch, python, compute, system)
    for conda in table.conda:
        if holds(conda):
            yield _conda_build(table, conda, torch, python, compute, system)


def _all(table: Pytorch3dTable) -> Iterator[Wheel]:
    for row in table.wheels:
        for part in itertools.product(row.torch, row.python, row.compute, row.systems):
            yield _pip_wheel(table, row, *part)
    for conda in table.conda:
        for part in itertools.product(conda.torch, conda.python, conda.compute, conda.systems):
            yield _conda_build(table, conda, *part)


def _conda_build(
    table: Pytorch3dTable, row: CondaRow, torch: str, python: str, compute: str, system: str
) -> Wheel:
    build = table.build.format(
        python=python.replace(".", ""), compute=compute, torch=torch.replace(".", "")
    )
    return Wheel(
        version=row.version,
        python=python,
        torch=torch,
        compute=compute,
        system=system,
        kind="conda",
        file=build,
        command=f"conda install pytorch3d={row.version}={build} -c {table.conda_channel}",
        source=row.source,
    )


def _pip_wheel(
    table: Pytorch3dTable, row: WheelRow, torch: str, python: str, compute: str, system: str
) -> Wheel:
    local = table.local.format(commit=row.commit, torch=torch, compute=compute)
    file = table.file.format(
        version=row.version,
        local=local,
        tag="cp" + python.replace(".", ""),
        platform=table.platforms[system],
    )
    release = f"{row.version}%2B{row.commit}" if row.commit else row.version
    version = f"{row.version}+{local}"
    return Wheel(
        version=version,
        python=python,
        torch=torch,
        compute=compute,
        system=system,
        kind="pip",
        file=file,
        url=table.release_url.format(release=release, file=file.replace("+", "%2B")),
        command=f"pip install --extra-index-url {table.index} pytorch3d=={version}",
        seen=file in row.seen,
        source=row.source,
    )


def _nearest(
    candidates: List[Wheel], python: str, torch: str, compute: str, system: str
) -> Optional[Wheel]:
    """Same system; then as little as possible has to change, torch most readily."""
    same = [w for w in candidates if w.system == system]
    if not same:
        return None

    def distance(w: Wheel) -> Tuple[object, ...]:
        return (
            (w.compute != compute) + (w.python != python),
            w.compute == "cpu" and compute != "cpu",  # a CPU wheel helps nobody with a GPU
            w.compute != compute,
            w.python != python,
            _gap(w.torch, torch),
            _gap(w.python, python),
            abs(_compute_number(w.compute) - _compute_number(compute)),
            w.kind != "pip",
            [-n for n in _numbers(w.version)],
        )

    return min(same, key=distance)


def _differences(nearest: Wheel, python: str, torch: str, compute: str) -> Iterator[str]:
    for name, has, asked in (
        ("torch", nearest.torch, torch),
        ("Python", nearest.python, python),
        ("CUDA", nearest.compute, compute),
    ):
        if has != asked:
            yield f"{name} {has} instead of {asked}"


def _gap(has: str, asked: str) -> Tuple[int, ...]:
    """How far a version is from the one asked for; among equally far minors the last patch."""
    one, two = [[*_numbers(version), 0, 0, 0][:3] for version in (has, asked)]
    major, minor = abs(one[0] - two[0]), abs(one[1] - two[1])
    return major, minor, abs(one[2] - two[2]) if not (major or minor) else -one[2]


def _numbers(version: str) -> List[int]:
    public = version.split("+")[0]
    return [int(part) for part in public.split(".") if part.isdigit()]


def _compute_number(compute: str) -> int:
    return int(compute[2:]) if compute.startswith("cu") and compute[2:].isdigit() else 0
