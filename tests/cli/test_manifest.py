"""``dartenv manifest`` and ``dartenv diff`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

MACHINES = Path(__file__).resolve().parents[1] / "fixtures" / "machines"


def test_the_packaged_manifests_fit_each_other(cli: Any) -> None:
    done = cli("manifest", "check")
    assert done.code == 0, done.out
    assert "profiles fit the tables" in done.out


def test_a_profile_that_no_table_supports_is_a_problem(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "profiles"
    folder.mkdir(parents=True)
    text = 'id = "odd"\ntitle = "t"\nsource = "s"\nsystem = "windows"\npython = ["3.8"]\n'
    text += 'compute = "cu128"\ncuda = "12.8"\ntorch = "2.7.0+cu128"\n'
    (folder / "odd.toml").write_text(text, encoding="utf-8")
    done = cli("manifest", "check", "--manifests", folder.parent)
    assert done.code == 1
    assert "odd" in done.out
    assert "Problem(" not in done.out


def test_the_tables_answer_which_wheel_fits(cli: Any) -> None:
    asked = ["manifest", "show", "wheels.pytorch3d", "--torch", "2.4.1", "--cuda", "11.8"]
    done = cli(*asked, "--python", "3.8", "--os", "windows")
    assert done.code == 0
    assert "0.7.8+pt2.4.1cu118" in done.out
    assert "source:" in done.out
    none = cli(*asked, "--python", "3.7", "--os", "windows")
    assert none.code == 1
    assert "none exists" in none.out
    assert "nearest" in none.out


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--os", "macos"),
        ("--python", "three"),
        ("--torch", "nightly"),
        ("--torch", ""),
        ("--cuda", "x"),
    ],
)
def test_a_question_that_makes_no_sense_is_wrong_usage(cli: Any, option: str, value: str) -> None:
    done = cli("manifest", "show", "wheels.pytorch3d", option, value)
    assert done.code == 2
    assert repr(value) in done.err


def test_the_spelling_of_a_system_does_not_matter(cli: Any) -> None:
    done = cli("manifest", "show", "wheels.pytorch3d", "--os", "Windows", "--cuda", "cu118")
    assert done.code == 0
    assert "0.7.8+pt2.4.1cu118" in done.out


def test_what_is_not_in_the_tables_is_wrong_usage(cli: Any) -> None:
    assert cli("manifest", "show", "wheels.nothing").code == 2
    shown = json.loads(cli("manifest", "show", "windows-cu118").out)
    assert shown["torch"] == "2.4.1+cu118"


def test_diff_names_the_difference_that_explains_the_finding(cli: Any) -> None:
    names = {path.stem: path for path in MACHINES.glob("*.json")}
    healthy = next(path for stem, path in names.items() if stem.endswith("healthy"))
    plain = next(path for stem, path in names.items() if "cpu" in stem and "torch" in stem)
    done = cli("diff", healthy, plain, "--format", "json")
    assert done.code == 0
    explained = [d for d in json.loads(done.out)["differences"] if d["explains"]]
    assert any("torch" in d["path"] for d in explained)
    assert any("packages.torch" in text for d in explained for text in d["explains"])
