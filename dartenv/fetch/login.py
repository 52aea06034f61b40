"""The user's own login to a licensed download: asked for, used once, kept nowhere.

In order: two environment variables, the system's keyring where the optional package is installed
and the user has put it there, a question on the terminal.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, Mapping, NoReturn, Optional, Tuple

# Asks one question and returns the answer; the flag says whether it must not be shown.
Ask = Callable[[str, bool], Optional[str]]


class Login:
    """A user name and a password that no print, log, copy or traceback shows."""

    __slots__ = ("_name", "_word", "source")

    def __init__(self, name: str, word: str, source: str) -> None:
        self._name = name
        self._word = word
        self.source = source  # "environment", "keyring", "terminal"

    def form(self) -> Dict[str, str]:
        """The fields of the login form (POST username, password; public fetch scripts)."""
        return {"username": self._name, "password": self._word}

    def __repr__(self) -> str:
        return f"<login from the {self.source}>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a login is not stored")


def variables(service: str) -> Tuple[str, str]:
    """The names of the two environment variables for ``service``."""
    stem = "DARTENV_" + service.upper().replace("-", "_")
    return f"{stem}_USERNAME", f"{stem}_PASSWORD"


def stored_login(service: str, environ: Optional[Mapping[str, str]] = None) -> Optional[Login]:
    """A login that is there without asking: environment, then keyring. Never raises."""
    env = os.environ if environ is None else environ
    names = variables(service)
    name, word = env.get(names[0]), env.get(names[1])
    if name and word:
        return Login(name, word, "environment")
    return _from_keyring(service)


def asked_login(service: str, ask: Ask) -> Optional[Login]:
    """A login from the terminal; ``None`` where an answer stays empty."""
    name = ask(f"{service} user name (e-mail; empty to skip)", False)
    if not name:
        return None
    word = ask(f"{service} password (not shown, not stored)", True)
    return Login(name, word, "terminal") if word else None


def _from_keyring(service: str) -> Optional[Login]:
    try:
        import keyring

        found = keyring.get_credential(f"dartenv-{service}", None)
    except Exception:  # no package, no backend, locked: then it is asked for
        return None
    if found is None or not found.username or not found.password:
        return None
    return Login(found.username, found.password, "keyring")
