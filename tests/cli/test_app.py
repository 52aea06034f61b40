"""The command line is assembled as a whole, or for the one command that is named."""

from __future__ import annotations

import sys
from typing import Any, Callable, Tuple

import pytest

from dartenv.cli import app
from dartenv.cli.ending import run

Said = Tuple[object, str, str]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Said]:
    """Exit code, stdout and stderr of the command line: as it is, or assembled as a whole."""

    def call(*words: str, whole: bool = False) -> Said:
        monkeypatch.setattr(sys, "argv", ["dartenv", *words])
        if whole:
            return (run(app.assemble()), *capsys.readouterr())
        with pytest.raises(SystemExit) as ending:
            app.main()
        return (ending.value.code, *capsys.readouterr())

    return call


@pytest.mark.parametrize("name", app.ALL)
def test_a_command_alone_says_what_it_says_among_all(typed: Callable[..., Said], name: str) -> None:
    code, said, errors = typed(name, "--help")
    assert (code, errors) == (0, "")
    assert f" {name} " in said.splitlines()[0]
    assert (code, said, errors) == typed(name, "--help", whole=True)


def test_help_names_every_command(typed: Callable[..., Said]) -> None:
    code, said, _ = typed("--help")
    named = [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line]
    assert code == 0
    assert named == list(app.ALL)


@pytest.mark.parametrize("words", [("docter",), ("docter", "doctor"), ("--verison", "doctor")])
def test_a_slip_is_answered_with_what_there_is(
    typed: Callable[..., Said], words: Tuple[str, ...]
) -> None:
    code, said, errors = typed(*words)
    assert (code, said) == (2, "")
    assert ("'doctor'" if words[0] == "docter" else "--version") in errors
