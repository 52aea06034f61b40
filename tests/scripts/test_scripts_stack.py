"""Which torch the scripts take, and the reading of the sandbox profile without a TOML parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from _stack import PROFILE, BadManifest, Stack, plain_toml, read_stack, torch_plan, torch_version

ROOT = Path(__file__).resolve().parents[2]
STACK = Stack(
    "https://wheels.example/cpu",
    {"3.8": "2.4.1", "3.9": "2.8.0", "other": "2.13.0"},
    ("numpy",),
)
WHOLE = 'torch_cpu_index = "https://x/cpu"\n[torch_by_python]\nother = "2"\n'


def test_the_small_reader_and_the_parser_agree_on_the_real_profile() -> None:
    path = ROOT / PROFILE
    assert read_stack(path, use_parser=False) == read_stack(path, use_parser=True)


def test_the_real_profile_serves_every_python_that_dartenv_runs_on() -> None:
    stack = read_stack(ROOT / PROFILE, use_parser=False)
    assert torch_version(stack, (3, 8)) == "2.4.1"
    assert torch_version(stack, (3, 9)) == "2.8.0"
    assert torch_version(stack, (3, 11)) == torch_version(stack, (3, 13)) == "2.13.0"
    assert any(need.startswith("eval-type-backport; python_version") for need in stack.requirements)


@pytest.mark.parametrize(
    ("python", "requirement"),
    [((3, 8), "torch==2.4.1"), ((3, 9), "torch==2.8.0"), ((3, 10), "torch==2.13.0")],
)
@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("reached", [True, False])
def test_the_version_depends_on_python_alone(python, requirement, platform, reached) -> None:
    assert torch_plan(STACK, python, platform, reached).requirement == requirement


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_the_cpu_index_is_taken_where_it_answers_and_only_there(platform) -> None:
    assert torch_plan(STACK, (3, 11), platform, True).index_url == STACK.torch_cpu_index
    assert torch_plan(STACK, (3, 11), platform, False).index_url is None


def test_only_linux_is_warned_of_the_large_build() -> None:
    assert "CUDA" in torch_plan(STACK, (3, 12), "linux", False).why
    assert "CUDA" not in torch_plan(STACK, (3, 12), "win32", False).why
    assert "CUDA" not in torch_plan(STACK, (3, 12), "linux", True).why


def test_the_small_reader_reads_strings_in_tables_and_leaves_the_rest() -> None:
    text = (
        "\ufeffid = \"a\" # said\r\ncount = 3\r\nlist = ['x', 'y']\r\npath = 'C:\\new'\r\n"
        '[by]\r\n"3.8" = "1 # not a comment"\r\nother = "q\\"q"\r\n'
        '[[requirements]]\r\nname = "one"\r\n\r\n[[requirements]]\r\nname = "two"\r\n'
    )
    assert plain_toml(text) == {
        "id": "a",
        "path": "C:\\new",
        "by": {"3.8": "1 # not a comment", "other": 'q"q'},
        "requirements": [{"name": "one"}, {"name": "two"}],
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('title = "x"\n', "torch_cpu_index"),
        ('torch_cpu_index = "not a url"\n', "torch_cpu_index"),
        ('torch_cpu_index = "https://x/cpu"\n', "torch_by_python"),
        ('torch_cpu_index = "https://x/cpu"\n[torch_by_python]\n"3.8" = "2"\n', "other"),
        (WHOLE + '[[requirements]]\nspec = ">=1"\n', "requirements"),
    ],
)
@pytest.mark.parametrize("use_parser", [True, False])
def test_a_profile_that_lacks_a_key_names_the_file_and_the_key(
    tmp_path: Path, text: str, named: str, use_parser: bool
) -> None:
    path = tmp_path / "沙盒 profile.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadManifest) as caught:
        read_stack(path, use_parser=use_parser)
    assert "沙盒 profile.toml" in str(caught.value)
    assert named in str(caught.value)


def test_a_profile_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    with pytest.raises(BadManifest, match="cannot be read"):
        read_stack(path)
    path.write_bytes(b'title = "\xc9\xb3\xba\xd0"\n')  # GBK
    with pytest.raises(BadManifest, match="cannot be read"):
        read_stack(path)


def test_specifiers_and_markers_are_joined_as_pip_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_text(
        WHOLE + '[[requirements]]\nname = "a"\nspec = ">=1,<2"\n'
        '[[requirements]]\nname = "b"\nmarkers = "python_version < \'3.10\'"\n',
        encoding="utf-8",
    )
    for use_parser in (True, False):
        assert read_stack(path, use_parser).requirements == (
            "a>=1,<2",
            "b; python_version < '3.10'",
        )
