"""Manifests: typed, overridable, and clear about what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.manifests.loader import FOLDERS, Manifests
from dartenv.manifests.schema import Profile


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


GOOD = 'id = "x"\ntitle = "测试"\nsource = "here"\nsystem = "windows"\n'


def test_a_folder_adds_and_overrides(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    put(one, "profiles/x.toml", GOOD)
    assert Manifests([one]).profile("x").title == "测试"
    put(other, "profiles/x.toml", GOOD.replace("windows", "linux"))
    assert Manifests([one, other]).profile("x").system == "linux"
    assert Manifests([other, one]).profile("x").system == "windows"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (GOOD + "python = 3\n", ("x.toml", "python", "array", "int")),
        (GOOD.replace('title = "测试"\n', ""), ("x.toml", "title")),
        (GOOD + "colour = 1\n", ("x.toml", "colour")),
        (GOOD + "[[requirements]]\nname = 1\n", ("x.toml", "requirements[0].name", "str", "int")),
        (GOOD + "=", ("x.toml", "not TOML")),
        (GOOD.replace('id = "x"', 'id = "y"'), ("x.toml", '"y"', '"x"')),
    ],
)
def test_a_bad_manifest_names_file_key_and_expectation(
    tmp_path: Path, text: str, parts: tuple[str, ...]
) -> None:
    put(tmp_path, "profiles/x.toml", text)
    with pytest.raises(UsageFault) as fault:
        Manifests([tmp_path]).read("profiles", "x", Profile)
    for part in parts:
        assert part in str(fault.value)
    assert fault.value.exit_code == 2


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "profiles" / "x.toml"
    path.parent.mkdir()
    path.write_bytes(GOOD.encode("gbk"))
    with pytest.raises(UsageFault, match="not UTF-8"):
        Manifests([tmp_path]).profile("x")


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(UsageFault, match="windows-cu118"):
        Manifests().profile("windows-cu811")


def test_a_manifest_in_no_known_folder_is_a_spelling_mistake(tmp_path: Path) -> None:
    put(tmp_path, "profile/x.toml", GOOD)
    with pytest.raises(UsageFault, match="not in a manifest folder"):
        Manifests([tmp_path])


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    path = put(tmp_path, "x.toml", GOOD)
    with pytest.raises(UsageFault, match="a file"):
        Manifests([path])


def test_every_packaged_manifest_is_toml_with_an_id_like_its_file() -> None:
    manifests = Manifests()
    seen = 0
    for folder in FOLDERS:
        for stem in manifests.stems(folder):
            data = manifests.raw(folder, stem)
            assert data.get("id", stem) == stem
            seen += 1
    assert seen > 0
