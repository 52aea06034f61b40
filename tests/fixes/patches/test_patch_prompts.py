from __future__ import annotations

import os
import pathlib
from typing import Any, Callable, Dict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.fixes.patches.prompt_filenames import PATCH
from dartenv.fixes.patches.result import PatchResult
from dartenv.source.helpers import FILE_NAME, FILE_TEST

Run = Callable[..., PatchResult]
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FORBIDDEN = '<>:"/\\|?*'


def function(body: str, name: str) -> Callable[..., Any]:
    names: Dict[str, Any] = {}
    exec(body, names)
    made: Callable[..., Any] = names[name]
    return made


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "p = out / prompt[:40].replace(' ', '_')",
            "p = out / _dartenv_file_name(prompt[:40].replace(' ', '_'))",
        ),
        ("p = out / f'{prompt:>4}_x'", "p = out / f'{_dartenv_file_name(prompt):>4}_x'"),
        ("p = out / f\"{a['prompt']}\"", "p = out / f\"{_dartenv_file_name(a['prompt'])}\""),
        (
            "name = prompt[:4] + '_' + name\np = out / name",
            "name = _dartenv_file_name(prompt[:4]) + '_' + name\np = out / name",
        ),
        ("p = out / (prompt\n    + '_x')", "p = out / (_dartenv_file_name(prompt)\n    + '_x')"),
        (
            "from pathlib import Path\nif Path(a.prompt).exists():\n    pass",
            "if _dartenv_file_test(Path(a.prompt).exists)():\n    pass",
        ),
    ],
)
def test_what_is_written(old: str, new: str, run: Run) -> None:
    assert new in run(PATCH, old).data.decode()


def test_only_the_helpers_that_are_used_are_written(run: Run) -> None:
    new = run(PATCH, "p = out / prompt\n").data.decode()
    assert FILE_NAME.text in new
    assert FILE_TEST.name not in new


def test_both_helpers_once(run: Run) -> None:
    old = (
        "from pathlib import Path\na = out / prompt\nb = out / prompt\nc = Path(prompt).exists()\n"
    )
    new = run(PATCH, old).data.decode()
    assert new.count(f"def {FILE_NAME.name}") == new.count(f"def {FILE_TEST.name}") == 1


@pytest.mark.parametrize(
    "old",
    [
        "p = out / f'{prompt!r}'",
        "p = out / '/'.join(prompts)",
        "def save(name):\n    return out / name\nsave(prompt)",
    ],
)
def test_what_is_left_alone(old: str, run: Run) -> None:
    result = run(PATCH, old)
    assert result.data.decode() == old
    assert len(result.refusals) == 1


@SLOW
@given(st.text())
def test_elsewhere_a_name_is_the_prompt_itself(text: str) -> None:
    if os.name == "nt":
        pytest.skip("Linux's half")
    assert function(FILE_NAME.body, FILE_NAME.name)(text) is text


@SLOW
@given(st.text(st.characters(min_codepoint=0, max_codepoint=0xD7FF), max_size=60))
def test_on_windows_a_name_holds_nothing_that_windows_forbids(text: str) -> None:
    name = on_windows(text)
    assert not set(name) & set(FORBIDDEN)
    assert not any(ord(letter) < 32 for letter in name)
    assert not name.endswith((".", " "))
    assert bool(name) == bool(text)
    assert on_windows(name) == name
    stem = name.split(".")[0].rstrip(" ").upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    kept = [letter for letter in text if letter not in FORBIDDEN and ord(letter) >= 32]
    if text == "".join(kept) and not text.endswith((".", " ")) and not name.startswith("_"):
        assert name == text


def on_windows(text: Any) -> Any:
    real, os.name = os.name, "nt"
    try:
        return function(FILE_NAME.body, FILE_NAME.name)(text)
    finally:
        os.name = real


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("walk*20,turn left*10", "walk_20,turn left_10"),
        ("步行*3", "步行_3"),
        ('a<b>c:d"e/f\\g|h?i*j\tk', "a_b_c_d_e_f_g_h_i_j_k"),
        ("wave...", "wave___"),
        ("wave ", "wave_"),
        ("con", "_con"),
        ("Nul.txt", "_Nul.txt"),
        ("com1 .x", "_com1 .x"),
        ("LPT\xb9", "_LPT\xb9"),
        ("console", "console"),
        ("", ""),
        (None, None),
        (7, 7),
    ],
)
def test_names_on_windows(prompt: Any, name: Any) -> None:
    assert on_windows(prompt) == name


def test_a_long_prompt_is_not_shortened() -> None:
    assert on_windows("walk*" * 100) == "walk_" * 100


def test_asking_for_a_file_says_no_where_windows_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises() -> bool:
        raise OSError(22, "the name is not correct")

    tested = function(FILE_TEST.body, FILE_TEST.name)
    assert tested(lambda: True)() is True
    monkeypatch.setattr(os, "name", "nt")
    assert tested(raises)() is False
    assert tested(lambda: True)() is True
    monkeypatch.setattr(os, "name", "posix")
    with pytest.raises(OSError, match="not correct"):
        tested(raises)()


def test_a_patched_program_writes_the_same_folder_on_linux(
    run: Run, tmp_path: pathlib.Path
) -> None:
    if os.name == "nt":
        pytest.skip("Linux's half")
    text = (
        "def save(out, text_prompt, seed):\n"
        "    name = f'seed{seed}'\n"
        "    if text_prompt != '':\n"
        "        name = text_prompt[:40].replace(' ', '_').replace('.', '') + '_' + name\n"
        "    path = out / name\n"
        "    path.mkdir(parents=True, exist_ok=True)\n"
        "    return path.name\n"
    )
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    assert names["save"](tmp_path, "walk in circles*20", 0) == "walk_in_circles*20_seed0"
    assert names["save"](tmp_path, "", 1) == "seed1"


def test_a_patched_program_writes_its_folder_on_windows(run: Run, tmp_path: pathlib.Path) -> None:
    """Only Windows can refuse a name; there this fails without the repair."""
    if os.name != "nt":
        pytest.skip("needs Windows")
    text = "def save(out, prompt):\n    path = out / (prompt + '_x')\n    path.mkdir()\n    return path.name\n"
    plain: Dict[str, Any] = {}
    exec(text, plain)
    with pytest.raises(OSError):  # noqa: PT011 (the words are the system's)
        plain["save"](tmp_path, "walk*2")
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    assert names["save"](tmp_path, "walk*2") == "walk_2_x"
