"""Every fault of the network: after at most the stated retries the right file, or none."""

from __future__ import annotations

import errno
import hashlib
import io
from pathlib import Path
from typing import IO, Any, List

import pytest

from dartenv.fetch.remote import FetchFault, Stopped


def right(bench: Any, **more: Any) -> Any:
    """Fetch, and see that the file is the right one and nothing else is left."""
    found = bench.fetcher.get(bench.remote(**more))
    assert found.path.read_bytes() == bench.body
    assert found.sha256 == hashlib.sha256(bench.body).hexdigest()
    assert bench.left() == [found.path.name]
    return found


def none(bench: Any, reason: str, part: bool = False, **more: Any) -> str:
    """Fetch in vain: no file, the named reason, and a part only where it is worth keeping."""
    remote = bench.remote(**more)
    with pytest.raises(FetchFault) as caught:
        bench.fetcher.get(remote)
    assert caught.value.reason == reason
    assert not bench.fetcher.place(remote).exists()
    assert any(name.endswith(".part") for name in bench.left()) is part
    return str(caught.value)


def test_a_plain_file(bench: Any) -> None:
    bench.serve()
    right(bench)
    assert len(bench.server.seen) == 1
    assert bench.clock.waits == []


@pytest.mark.parametrize("known", [True, False], ids=["hash", "etag"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_drop_at_every_tenth(bench: Any, tenth: int, known: bool) -> None:
    at = len(bench.body) * tenth // 10
    bench.serve(drops=[at])
    right(bench, known=known)
    assert [one.range for one in bench.server.seen] == ["", f"bytes={at}-"]
    assert len(bench.clock.waits) == 1


def test_a_drop_at_all_tenths_in_turn(bench: Any) -> None:
    size = len(bench.body)
    bench.serve(drops=[size * tenth // 10 for tenth in range(1, 10)])
    right(bench)
    # Nine failures in a row are more than the retries, but each brought its tenth.
    assert len(bench.server.seen) == 10
    assert sum(bench.clock.waits) < 60


def test_drops_without_progress_end(bench: Any) -> None:
    bench.serve(drops=[5] * 99, ranges=False)
    text = none(bench, "dropped", part=True)
    assert len(bench.server.seen) == 1 + bench.tools.limits.retries
    assert "given up after 6 attempts" in text
    assert bench.clock.waits == sorted(bench.clock.waits)


def test_a_later_run_goes_on_where_the_first_stopped(bench: Any) -> None:
    bench.serve(drops=[150_000, 150_001])
    bench.limits(retries=0)
    none(bench, "dropped", part=True)
    bench.again()
    right(bench)
    assert [one.range for one in bench.server.seen] == ["", "bytes=150000-"] or [
        one.range for one in bench.server.seen
    ] == ["", "bytes=150000-", "bytes=150001-"]


def test_a_stopped_run_keeps_its_bytes(bench: Any) -> None:
    bench.serve(drops=[100_000])
    bench.clock.stop()
    with pytest.raises(Stopped):
        bench.fetcher.get(bench.remote())
    assert bench.server.seen == []


def test_corrupt_bytes_once(bench: Any) -> None:
    bench.serve(corrupt=1)
    right(bench)
    assert len(bench.server.seen) == 2


def test_corrupt_bytes_always(bench: Any) -> None:
    bench.serve(corrupt=99)
    text = none(bench, "hash")
    assert len(bench.server.seen) == 1 + bench.tools.limits.corrupt
    assert hashlib.sha256(bench.body).hexdigest()[:12] in text


def test_a_corrupt_part_is_thrown_away(bench: Any) -> None:
    bench.serve()
    place = bench.fetcher.place(bench.remote())
    place.parent.mkdir(parents=True)
    place.with_name(place.name + ".part").write_bytes(b"x" * 1000)
    right(bench)
    assert [one.range for one in bench.server.seen] == ["bytes=1000-", ""]


def test_a_part_longer_than_the_file(bench: Any) -> None:
    bench.serve()
    place = bench.fetcher.place(bench.remote())
    place.parent.mkdir(parents=True)
    place.with_name(place.name + ".part").write_bytes(bench.body + b"more")
    right(bench)
    assert [one.range for one in bench.server.seen] == [""]


@pytest.mark.parametrize("more", [-1000, 1000])
def test_another_length_than_published(bench: Any, more: int) -> None:
    bench.serve()
    text = none(bench, "size", size=len(bench.body) + more)
    assert len(bench.server.seen) == 1
    assert f"{len(bench.body)} bytes are offered" in text


def test_less_than_announced(bench: Any) -> None:
    bench.serve(announced=len(bench.body) + 10)
    none(bench, "dropped", part=True, known=False)
    # One attempt brought bytes; after it none brought more than had been seen.
    assert len(bench.server.seen) == 2 + bench.tools.limits.retries


def test_less_than_announced_is_told_by_the_hash(bench: Any) -> None:
    bench.serve(announced=len(bench.body) + 10)
    right(bench, size=None)
    assert [one.range for one in bench.server.seen] == ["", f"bytes={len(bench.body)}-"]


def test_no_length_at_all(bench: Any) -> None:
    bench.serve(no_length=True)
    right(bench)
    bench.serve("g.bin", no_length=True, drops=[1000])
    bench.limits(retries=0)
    with pytest.raises(FetchFault) as caught:
        bench.fetcher.get(bench.remote("g.bin", sha256="0" * 64, size=None))
    assert caught.value.reason == "hash"


def test_no_range_support_starts_over(bench: Any) -> None:
    bench.serve(drops=[150_000], ranges=False)
    right(bench)
    assert [one.range for one in bench.server.seen] == ["", "bytes=150000-"]


def test_without_validator_or_hash_nothing_is_glued(bench: Any) -> None:
    bench.serve(drops=[150_000], etag="", modified="")
    right(bench, known=False)
    assert [one.range for one in bench.server.seen] == ["", ""]


@pytest.mark.parametrize("known", [True, False], ids=["hash", "etag"])
def test_a_file_that_changes_meanwhile(bench: Any, known: bool) -> None:
    old = bench.body
    bench.body = bench.body[::-1]
    bench.serve(body=old, drops=[150_000], new_body_after=2, new_body=bench.body)
    right(bench, known=known)


def test_endless_redirects(bench: Any) -> None:
    bench.serve(redirect=bench.server.url("f.bin"))
    none(bench, "redirects")
    assert len(bench.server.seen) == bench.tools.limits.redirects + 1


def test_a_few_redirects(bench: Any) -> None:
    bench.serve("a", redirect="/b", redirect_status=307)
    bench.serve("b", redirect=bench.server.url("f.bin", "localhost"), redirect_status=301)
    bench.serve(drops=[100_000])
    right(bench, url=bench.server.url("a"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/x", "http://[", "gopher:x"])
def test_a_redirect_out_of_the_web(bench: Any, target: str) -> None:
    bench.serve(redirect=target)
    none(bench, "address" if "[" in target else "redirect")
    assert len(bench.server.seen) == 1


def test_a_trickle_ends(bench: Any) -> None:
    bench.serve(trickle=True)
    bench.clock.tick = 1.0  # every look at the clock a second, so every byte some seconds
    text = none(bench, "slow", part=True)
    assert len(bench.server.seen) == 1 + bench.tools.limits.retries
    assert "bytes a second" in text


def test_silence_ends(bench: Any) -> None:
    bench.serve(stall=True)
    bench.limits(read=0.15, retries=1)
    none(bench, "timeout")
    assert len(bench.server.seen) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(bench: Any, status: int) -> None:
    bench.serve(statuses=[status, status], retry_after="17")
    right(bench)
    assert bench.clock.waits == [17.0, 17.0]


def test_retry_after_as_a_date(bench: Any) -> None:
    # The fake clock stands at 2023-11-14 22:13:20.
    bench.serve(statuses=[503], retry_after="Tue, 14 Nov 2023 22:14:00 GMT")
    right(bench)
    assert bench.clock.waits == [40.0]


def test_retry_after_is_bounded(bench: Any) -> None:
    bench.serve(statuses=[429], retry_after="86400")
    assert "86400 s" in none(bench, "busy")
    assert bench.clock.waits == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_stays_busy(bench: Any, status: int) -> None:
    bench.serve(statuses=[status] * 99)
    assert str(status) in none(bench, "busy")
    assert len(bench.server.seen) == 1 + bench.tools.limits.retries
    assert len(bench.clock.waits) == bench.tools.limits.retries


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_an_answer_that_will_not_change(bench: Any, status: int) -> None:
    bench.serve(statuses=[status] * 9)
    none(bench, "status")
    assert len(bench.server.seen) == 1


def test_a_page_in_place_of_the_file(bench: Any, pages: Any) -> None:
    bench.serve(page=pages.LOGIN)
    assert '"Sign In"' in none(bench, "html")
    bench.again()
    bench.serve(page=pages.QUOTA)
    assert "dartenv assets import" in none(bench, "quota")
    # Some send the page under the type of the file, some the file's name under the page's.
    bench.again()
    bench.serve(page=pages.QUOTA, page_type="application/zip")
    none(bench, "quota")
    bench.again()
    bench.serve(page=b"not found", page_type="text/html")
    none(bench, "html")
    assert len(bench.server.seen) == 4


def test_nobody_there(bench: Any) -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    none(bench, "connection", url=f"http://127.0.0.1:{port}/f.bin")
    assert len(bench.clock.waits) == bench.tools.limits.retries


class _Full(io.RawIOBase):
    """A file on a disk with so many bytes left."""

    def __init__(self, path: Path, room: List[int]) -> None:
        super().__init__()
        self._file, self._room = path.open("ab"), room

    def write(self, data: Any) -> int:
        taken = data[: self._room[0]]
        self._file.write(taken)
        self._file.flush()
        self._room[0] -= len(taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(taken)

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        super().close()


@pytest.mark.parametrize("tenth", range(0, 10, 3))
def test_a_disk_that_fills(bench: Any, tenth: int) -> None:
    bench.serve()
    room = [len(bench.body) * tenth // 10 + 1]

    def opener(path: Path, mode: str) -> IO[bytes]:
        return _Full(path, room)  # type: ignore[return-value]

    bench.tools.opener = opener
    assert "no space left" in none(bench, "disk-full", part=True)
    assert len(bench.server.seen) == 1
    room[0] = 10**9  # somebody made room
    bench.again()
    right(bench)
    assert bench.server.seen[-1].range == f"bytes={len(bench.body) * tenth // 10 + 1}-"


def test_no_room_is_found_out_before_the_first_byte(bench: Any) -> None:
    bench.serve()
    bench.tools.free = lambda folder: len(bench.body) - 1
    none(bench, "disk-full")
    with pytest.raises(FetchFault, match="for 1 downloads"):
        bench.again().get_all([bench.remote()])
    assert len(bench.server.seen) == 1  # its length was asked, no byte kept


def test_a_hash_of_one_listing_is_told_and_refuses_nothing(bench: Any) -> None:
    bench.serve()
    found = right(bench, size=5, sha256="0" * 64, sure=False)
    assert len(found.notes) == 2
    assert "5 expected" in found.notes[0]
