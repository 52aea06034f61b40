"""Looks at what gather.yml brought from the machines of try.sh. Standard library only."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List


def files(folder: Path) -> List[str]:
    """Every file below ``folder``, as posix paths, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def expect(what: str, seen: object, wanted: object) -> None:
    """Ends the process where ``seen`` is not ``wanted``."""
    if seen != wanted:
        sys.exit(f"try.sh: {what}: {seen!r}, expected {wanted!r}")


def everything(out: Path) -> None:
    """All three answered all three questions, and the merge says who differs."""
    names = ["alpha", "beta", "gamma"]
    wanted = [f"{ask}/{name}.json" for ask in ("doctor", "fix", "nightly") for name in names]
    wanted += [f"nightly/{name}.html" for name in names] + ["fleet.html", "fleet.json"]
    expect("files", files(out), sorted(wanted))
    fleet: Dict[str, Any] = json.loads((out / "fleet.json").read_text(encoding="utf-8"))
    machines = {one["name"]: one for one in fleet["machines"]}
    expect("machines", sorted(machines), names)
    expect("left out", fleet["unread"], [])
    expect("all labelled as sandbox", all(one["sandbox"] for one in machines.values()), True)
    verdicts = {name: one["verdict"] for name, one in machines.items()}
    expect("verdicts", verdicts, dict(zip(names, ("healthy", "not ready", "not ready"))))
    differs = {one["what"]: one for one in fleet["differs"]}
    cut_off = differs["assets.statistics"]["others"]
    expect("the file that is cut off", cut_off, {"gamma": "fail"})
    sizes = [one["others"] for what, one in differs.items() if "mean_std_h2_f8" in what]
    expect("its size", sizes, [{"gamma": "1000 bytes"}])
    alone = sorted(what for what, one in differs.items() if set(one["others"]) == {"beta"})
    faulty = [what for what in alone if what.startswith("source.")]
    expect("source faults on beta alone", len(faulty) >= 3, True)
    plans = {
        name: json.loads((out / "fix" / f"{name}.json").read_text(encoding="utf-8"))["steps"]
        for name in names
    }
    expect("alpha has nothing to repair", plans["alpha"], [])
    expect("beta has", len(plans["beta"]) > 3, True)
    page = (out / "fleet.html").read_text(encoding="utf-8")
    expect("the page names them", all(name in page for name in names), True)
    print(f"three machines, {len(differs)} differences; beta alone has {', '.join(faulty)}")


def one_gone(out: Path) -> None:
    """Of two machines one is not there: the other's answer is read, none of last time's is left."""
    expect("files", files(out), ["doctor/alpha.json", "fleet.html", "fleet.json"])
    fleet: Dict[str, Any] = json.loads((out / "fleet.json").read_text(encoding="utf-8"))
    expect("machines", [one["name"] for one in fleet["machines"]], ["alpha"])


if __name__ == "__main__":
    {"all": everything, "gone": one_gone}[sys.argv[1]](Path(sys.argv[2]))
