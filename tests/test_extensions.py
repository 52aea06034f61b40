"""Another package's checks, probes and manifests, and what becomes of a broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The example of docs/extending.md, as a package on the path with its metadata beside it.
PACKAGE = {
    "lab_dart/__init__.py": "",
    "lab_dart/probes.py": """
        from dartenv.facts.collect import ProbePlan
        from dartenv.facts.probed import Probed

        def _scratch(scope, earlier):
            return Probed({"folder": "/scratch", "free": 12})

        SCRATCH = ProbePlan("scratch", _scratch, 5)
    """,
    "lab_dart/checks.py": """
        from typing import Any, Dict, Iterator

        from dartenv.checks.finding import Finding, Status
        from dartenv.checks.registry import check, finding

        @check("lab.scratch")
        def lab_scratch(scratch: Dict[str, Any]) -> Iterator[Finding]:
            \"\"\"Room in the lab's scratch folder.\"\"\"
            yield finding(Status.WARN, f"{scratch['free']} GB left in {scratch['folder']}")
    """,
    "lab_dart/manifests/__init__.py": "",
    "lab_dart/manifests/profiles/lab-gpu.toml": """
        id = "lab-gpu"
        title = "the lab's GPU machines"
        source = "the lab"
        system = "linux"
    """,
    "lab_dart-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: lab-dart\nVersion: 1.0\n",
    "lab_dart-1.0.dist-info/entry_points.txt": """
        [dartenv.checks]
        lab = lab_dart.checks

        [dartenv.probes]
        scratch = lab_dart.probes:SCRATCH

        [dartenv.manifests]
        lab = lab_dart.manifests
    """,
}
BROKEN = {
    "broken-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n",
    "broken-1.0.dist-info/entry_points.txt": """
        [dartenv.checks]
        broken = no_such_module_anywhere

        [dartenv.probes]
        odd = os:sep
    """,
}


def install(folder: Path, files: Dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def dartenv(site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: what extensions register must not stay in this one."""
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT), env.get("PYTHONPATH", "")])
    env["PYTHONIOENCODING"] = "utf-8"
    return subprocess.run(
        [sys.executable, "-m", "dartenv", *arguments],
        cwd=str(cwd),
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_a_package_brings_a_check_a_probe_and_a_profile(tmp_path: Path, empty: Path) -> None:
    site = install(tmp_path / "site", PACKAGE)
    done = dartenv(site, empty, "doctor", "--select", "lab", "--profile", "lab-gpu")
    assert "lab.scratch" in done.stdout, done.stderr
    assert "12 GB left in /scratch" in done.stdout
    assert "lab-gpu" in done.stdout
    assert done.returncode == 0


def test_a_broken_extension_is_told_and_breaks_nothing_else(tmp_path: Path, empty: Path) -> None:
    site = install(tmp_path / "site", BROKEN)
    done = dartenv(site, empty, "doctor", "--select", "git", "--profile", "linux-cpu")
    assert done.returncode == 0, done.stderr
    assert "extension broken" in done.stdout
    assert "no_such_module_anywhere" in done.stdout
    assert "extension odd" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_profile_of_an_extension_is_for_those_who_ask(tmp_path: Path, empty: Path) -> None:
    site = install(tmp_path / "site", PACKAGE)
    done = dartenv(site, empty, "doctor", "--select", "lab")
    assert "12 GB left in /scratch" in done.stdout
    assert "lab-gpu" not in done.stdout


def test_a_check_of_an_extension_is_explained(tmp_path: Path, empty: Path) -> None:
    site = install(tmp_path / "site", PACKAGE)
    done = dartenv(site, empty, "explain", "lab.scratch")
    assert done.returncode == 0, done.stderr
    assert "Room in the lab's scratch folder" in done.stdout
    assert "lab_dart.checks" in done.stdout
    assert "lab.scratch " in dartenv(site, empty, "explain", "--list").stdout


def test_facts_of_an_extension_are_saved_compared_and_explain(tmp_path: Path, empty: Path) -> None:
    site = install(tmp_path / "site", PACKAGE)
    dartenv(site, empty, "doctor", "--select", "lab", "--save", "a.json")
    facts = json.loads((empty / "a.json").read_text(encoding="utf-8"))
    assert facts["extra"] == {"scratch": {"folder": "/scratch", "free": 12}}
    facts["extra"]["scratch"]["free"] = 3
    (empty / "b.json").write_text(json.dumps(facts), encoding="utf-8")
    done = dartenv(site, empty, "diff", "a.json", "b.json")
    assert "extra.scratch.free" in done.stdout, done.stderr
    assert "warn (12 GB left in /scratch) -> warn (3 GB left in /scratch)" in done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("profiles/bad.toml", "id = \n"),
        ("profiles/bad.toml", 'id = "bad"\ntitle = 3\n'),
        ("stray.toml", "x = 1\n"),
    ],
)
def test_manifests_that_cannot_be_used_are_left_out_and_told(
    tmp_path: Path, empty: Path, name: str, text: str
) -> None:
    site = install(tmp_path / "site", {**PACKAGE, f"lab_dart/manifests/{name}": text})
    done = dartenv(site, empty, "doctor", "--select", "lab")
    assert "12 GB left in /scratch" in done.stdout, done.stderr
    assert "extension lab" in done.stdout
    assert name.rpartition("/")[2] in done.stdout.replace("\n           ", "")
