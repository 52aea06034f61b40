"""The user's own login: used where it belongs, and seen nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

import pytest

from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.login import Login, asked_login, stored_login, variables
from dartenv.fetch.remote import FetchFault, shown_url

NAME, WORD = "li.ming@example.org", "s3cret&=%/ 密码"
LOGIN = Login(NAME, WORD, "terminal")


def licensed(bench: Any, name: str = "models.zip", login: Optional[Login] = LOGIN) -> Any:
    bench.fetcher = Fetcher(bench.fetcher.folder, bench.tools, login_of=lambda service: login)
    return bench.remote(
        name,
        kind="login",
        login="smplx",
        page="https://body.example/download",
        url=bench.server.url(name) + "?domain=smplx&sfile=models.zip",
    )


def fault(bench: Any, remote: Any) -> FetchFault:
    with pytest.raises(FetchFault) as caught:
        bench.fetcher.get(remote)
    told = "".join(
        traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__)
    )
    for text in (told, repr(caught.value.args), str(caught.value)):
        assert WORD not in text
        assert NAME not in text
    return caught.value


def test_the_login_is_posted_again_for_each_range(bench: Any) -> None:
    bench.serve("models.zip", login=(NAME, WORD), drops=[100_000])
    remote = licensed(bench)
    found = bench.fetcher.get(remote)
    assert found.path.read_bytes() == bench.body
    assert [one.method for one in bench.server.seen] == ["POST", "POST"]
    assert bench.server.seen[1].range == "bytes=100000-"


def test_a_wrong_login_is_told_and_not_repeated(bench: Any) -> None:
    bench.serve("models.zip", login=("somebody", "else"))
    found = fault(bench, licensed(bench))
    assert found.reason == "login"
    assert "https://body.example/download" in str(found)
    assert len(bench.server.seen) == 1
    assert bench.left() == []


def test_without_a_login_nothing_is_asked_and_the_page_is_named(bench: Any) -> None:
    bench.serve("models.zip")
    text = str(fault(bench, licensed(bench, login=None)))
    assert bench.server.seen == []
    for part in ("https://body.example/download", "dartenv assets import models.zip"):
        assert part in text


def test_a_redirect_does_not_carry_the_login(bench: Any) -> None:
    bench.serve("models.zip", redirect=bench.server.url("other", "localhost"))
    bench.serve("other")
    remote = licensed(bench)
    bench.fetcher.get(remote)
    assert [(one.method, one.body) for one in bench.server.requests("other")] == [("GET", b"")]


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_asks_for_the_login_elsewhere_is_refused(bench: Any, status: int) -> None:
    target = bench.server.url("other", "localhost")
    bench.serve("models.zip", redirect=target, redirect_status=status)
    bench.serve("other")
    assert fault(bench, licensed(bench)).reason == "redirect"
    assert bench.server.requests("other") == []


def test_faults_on_the_way_do_not_quote_it(bench: Any) -> None:
    bench.limits(retries=1)
    bench.serve("models.zip", statuses=[500] * 9)
    fault(bench, licensed(bench))
    bench.serve("models.zip", drops=[10, 20, 30], ranges=False)
    fault(bench, licensed(bench))
    url = f"http://{NAME}:x@127.0.0.1:9/models.zip?password=y"
    assert shown_url(url) == "http://127.0.0.1:9/models.zip"
    assert fault(bench, bench.remote(url=url.replace("@example.org", ""))).reason == "connection"


def test_it_cannot_be_printed_copied_or_stored() -> None:
    assert WORD not in f"{LOGIN} {LOGIN!r} {[LOGIN]}"
    for store in (pickle.dumps, json.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            store(LOGIN)  # type: ignore[operator]


def test_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    names = variables("smplx")
    assert names == ("DARTENV_SMPLX_USERNAME", "DARTENV_SMPLX_PASSWORD")
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert stored_login("smplx", {names[0]: "a"}) is None
    found = stored_login("smplx", {names[0]: "a", names[1]: "b"})
    assert found is not None
    assert (found.source, found.form()) == ("environment", {"username": "a", "password": "b"})
    asked: List[Tuple[str, None]] = []

    def get_credential(service: str, name: None) -> Any:
        asked.append((service, name))
        return SimpleNamespace(username="k", password="r")

    ring = SimpleNamespace(get_credential=get_credential)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    found = stored_login("smplx", {})
    assert found is not None
    assert (found.source, asked) == ("keyring", [("dartenv-smplx", None)])


def test_the_terminal_is_asked_with_the_password_hidden() -> None:
    questions: List[Tuple[str, bool]] = []

    def ask(question: str, hidden: bool) -> Optional[str]:
        questions.append((question, hidden))
        return "x"

    assert asked_login("smplx", ask) is not None
    assert [hidden for _, hidden in questions] == [False, True]
    assert asked_login("smplx", lambda question, hidden: "") is None
