"""Several files, Drive folders, certificates."""

from __future__ import annotations

import ssl
import sys
import threading
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import pytest

from dartenv.fetch.drive import file_address, list_folder
from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.limits import backoff, retry_after
from dartenv.fetch.part import seed
from dartenv.fetch.remote import Fetched, FetchFault

trustme = pytest.importorskip("trustme")


def test_several_at_once_and_one_that_fails(bench: Any) -> None:
    names = [f"f{n}.bin" for n in range(6)]
    for name in names[:5]:
        bench.serve(name, drops=[200_000])
    remotes = [bench.remote(name, id=name) for name in names]
    found = bench.fetcher.get_all(remotes)
    assert [type(found[r.key]) for r in remotes] == [Fetched] * 5 + [FetchFault]
    again = bench.again().get_all(remotes[:5])
    assert all(one.path.read_bytes() == bench.body for one in again.values())
    assert len(bench.server.seen) == 11  # nothing was asked for a second time


def test_what_failed_is_not_asked_again_in_one_run(bench: Any) -> None:
    for _ in range(2):
        with pytest.raises(FetchFault):
            bench.fetcher.get(bench.remote("gone"))
    assert len(bench.server.seen) == 1


def test_a_damaged_file_of_an_earlier_run_is_fetched_anew(bench: Any) -> None:
    bench.serve()
    bench.fetcher.get(bench.remote()).path.write_bytes(b"damaged")
    assert bench.again().get(bench.remote()).path.read_bytes() == bench.body


def test_an_interruption_stops_every_download(bench: Any) -> None:
    started = threading.Event()

    class Watching(type(bench.fetcher.progress)):  # type: ignore[misc]
        def start(self, key: str, name: str, total: Any) -> None:
            started.set()

    bench.serve(stall=True)
    bench.limits(read=0.2, retries=99)
    bench.fetcher.progress = Watching()

    class Interrupting:
        def __call__(self, url: str) -> Dict[str, str]:
            assert started.wait(5)
            bench.clock.stop()
            raise KeyboardInterrupt

    bench.fetcher.lister = Interrupting()
    drive = bench.remote("x", id="drive", kind="drive-folder")
    with pytest.raises(KeyboardInterrupt):
        bench.fetcher.get_all([bench.remote(), drive])


def test_a_stopped_download_elsewhere_is_taken_up(bench: Any, tmp_path: Any) -> None:
    bench.serve()
    begun = tmp_path / "ViT-B-32.pt"
    begun.write_bytes(bench.body[:123_456])
    found = bench.fetcher.get(bench.remote(), str(begun))
    assert found.path.read_bytes() == bench.body
    assert [one.range for one in bench.server.seen] == ["bytes=123456-"]
    assert begun.read_bytes() == bench.body[:123_456]
    assert seed(found.path, str(begun)) == 0  # never over what is whole


LISTING = {"DART/mvae/args.yaml": "id1", "DART/mld/args.yaml": "id2", "DART/data/stand.pkl": "id3"}


def test_a_drive_folder_is_listed_once(bench: Any) -> None:
    asked: List[str] = []

    def lister(url: str) -> Dict[str, str]:
        asked.append(url)
        return LISTING

    for one in LISTING.values():
        bench.serve(f"file-{one}")
    bench.fetcher = Fetcher(bench.fetcher.folder, bench.tools, lister=lister)
    remotes = [
        bench.remote(
            name,
            known=False,
            id="drive",
            kind="drive-folder",
            url="https://drive.example/folders/x",
            file_url=bench.server.url("file-{id}"),
        )
        for name in ("mvae/args.yaml", "mld/args.yaml", "data/stand.pkl", "args.yaml", "no.pkl")
    ]
    found = bench.fetcher.get_all(remotes)
    assert asked == ["https://drive.example/folders/x"]
    assert [type(found[r.key]) for r in remotes] == [Fetched] * 3 + [FetchFault] * 2
    assert len({found[r.key].path for r in remotes[:3]}) == 3
    assert "more than once" in str(found[remotes[3].key])
    assert "DART/data/stand.pkl" in str(found[remotes[4].key])


@pytest.mark.parametrize("version", [5, 6])
def test_gdown_lists(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    seen: List[Dict[str, Any]] = []

    def five(
        url=None,
        output=None,
        quiet=False,
        use_cookies=True,
        remaining_ok=False,
        skip_download=False,
    ):  # type: ignore[no-untyped-def]
        seen.append(dict(locals()))
        return [SimpleNamespace(id="7", path="a\\b.pkl", local_path="")]

    def six(url=None, output=None, quiet=False, use_cookies=True, skip_download=False):  # type: ignore[no-untyped-def]
        seen.append(dict(locals()))
        return [SimpleNamespace(id="7", path="a/b.pkl", local_path="")]

    fake = SimpleNamespace(download_folder=five if version == 5 else six)
    monkeypatch.setitem(sys.modules, "gdown", fake)
    assert list_folder("u") == {"a/b.pkl": "7"}
    assert seen[0]["skip_download"] is True
    assert seen[0]["use_cookies"] is False
    assert seen[0].get("remaining_ok", True) is True


def test_without_gdown_the_way_by_hand_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(FetchFault, match=r"dartenv\[assets\]"):
        list_folder("u")


def test_a_certificate_that_nobody_knows(bench: Any, new_server: Callable[..., Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with new_server(context) as secure:
        bench.serve()
        secure.files = bench.server.files
        with pytest.raises(FetchFault) as caught:
            bench.fetcher.get(bench.remote(url=secure.url("f.bin")))
        assert caught.value.reason == "tls"
        assert "REQUESTS_CA_BUNDLE" in str(caught.value)
        assert bench.clock.waits == []
        assert secure.seen == []


def test_a_certificate_that_the_user_names(
    bench: Any, new_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with new_server(context) as secure:
        bench.serve()
        secure.files = bench.server.files
        assert bench.fetcher.get(bench.remote(url=secure.url("f.bin"))).size == len(bench.body)
        # Down from https to http never, whatever the server says.
        bench.serve("g.bin", redirect=bench.server.url("f.bin"))
        with pytest.raises(FetchFault, match="from https to http"):
            bench.fetcher.get(bench.remote("g.bin", url=secure.url("g.bin")))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
        with pytest.raises(FetchFault, match="is not there"):
            bench.again().get(bench.remote("h.bin", url=secure.url("h.bin")))


def test_waits_double_and_end(bench: Any) -> None:
    limits = bench.tools.limits
    waits = [backoff(limits, n, 1.0) for n in range(1, 10)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert backoff(limits, 1, 0.0) == 0.5
    assert [retry_after(text, 0.0) for text in ("", "soon", "-3", "2.5")] == [None] * 4


def test_an_address_in_a_folder() -> None:
    remote = SimpleNamespace(name="data/stand.pkl", file_url="https://d/{id}?x", url="", page="")
    assert file_address(remote, LISTING) == "https://d/id3?x"  # type: ignore[arg-type]


def test_a_proxy_is_used(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy is sent the whole address; the server cuts the first character off any path.
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", bench.server.url(""))
    bench.server.files["ttp://dart.example/f.bin"] = bench.serve()
    found = bench.fetcher.get(bench.remote(url="http://dart.example/f.bin"))
    assert found.size == len(bench.body)
    assert bench.server.seen[0].path == "http://dart.example/f.bin"
