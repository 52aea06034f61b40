"""Who gets in, who does not, and what they can do, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest

pytest.importorskip("numpy")
websockets = pytest.importorskip("websockets")


@contextlib.contextmanager
def running(host):
    from dartenv.live.session import Session, Wanted

    made = Session(host, Wanted(prompt="walk"))
    ready, end = threading.Event(), threading.Event()

    def run():
        made.run(None, ready.set)
        end.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        made.engine._end()
        assert end.wait(20)


@pytest.fixture
def session(host):
    with running(host) as made:
        yield made


@pytest.fixture
def gate(session):
    return session.server.gate


def get(port, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {} if host is None else {"Host": host}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def page(port, query, origin=None):
    from websockets.sync.client import connect

    # A farewell would wait behind frames that nobody reads here.
    options = {"open_timeout": 10, "close_timeout": 0.1, "compression": None}
    return connect(f"ws://127.0.0.1:{port}/ws?{query}", origin=origin, **options)


def messages(connection, kind, seconds=10):
    """The next message of that kind; frames are bytes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        message = connection.recv(timeout=seconds)
        if isinstance(message, bytes):
            if kind == "frame":
                return message
        elif json.loads(message)["is"] == kind:
            return json.loads(message)
    raise AssertionError(f"no {kind}")


def refused(port, query, origin=None):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as found, page(port, query, origin):
        pass
    return found.value.response.status_code


def goes_on(session):
    """More frames are given out than before."""
    before, end = session.engine.figures.frames, time.monotonic() + 10
    while session.engine.figures.frames < before + 3:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_page_and_its_files(session):
    port = session.server.port
    status, headers, body = get(port, "/")
    assert status == 200
    assert b"<title>dartenv live" in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"ws://127.0.0.1:{port}" in policy
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers
    for path in ("/app.js", "/vendor/three.core.min.js", "/vendor/OrbitControls.js", "/style.css"):
        status, headers, body = get(port, path)
        assert status == 200
        assert int(headers["Content-Length"]) == len(body) > 100


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/../pyproject.toml", "/vendor/../../cli/live.py", "/vendor", "//etc/passwd"],
)
def test_no_other_file(session, path):
    assert get(session.server.port, path)[0] == 404


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "127.0.0.1", "0.0.0.0", ""])
def test_a_foreign_host_header_gets_nothing(session, name):
    status, _, body = get(session.server.port, "/", name)
    assert status in (400, 403)
    assert b"title" not in body
    assert get(session.server.port, "/app.js", name)[0] in (400, 403)


def test_the_server_listens_on_loopback_alone(session):
    assert session.server._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_wrong_token_gets_nothing(session, gate):
    port = session.server.port
    for query in ("", "token=", "token=" + "x" * 32, f"token={gate.token}x", "token=%ff", "a=1"):
        assert refused(port, query, gate.origins[0]) == 403
    assert refused(port, f"token={gate.token}&token={gate.token}", gate.origins[0]) == 403
    goes_on(session)
    assert session.statistics()["refused"] == 7
    assert session.statistics()["pages"] == 0


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"]
)
def test_a_foreign_origin_gets_nothing_even_with_the_token(session, gate, origin):
    assert refused(session.server.port, f"token={gate.token}", origin) == 403
    goes_on(session)


def test_frames_and_news_come_in_with_the_token(session, gate):
    for origin in (*gate.origins, None):
        with page(session.server.port, f"token={gate.token}", origin) as one:
            about = messages(one, "about")
            assert about["label"] == "sandbox: a test's"
            assert len(about["names"]) == 22
            assert messages(one, "state")["showing"]["text"] == "walk"
            assert messages(one, "statistics")["fps"] == 30
            assert len(messages(one, "frame")) == 284


def test_an_address_for_one_use_is_of_one_use(session, gate):
    once = gate.once_address().split("#")[1]
    with page(session.server.port, once, gate.origins[0]) as one:
        assert messages(one, "about")["token"] == gate.token
    assert refused(session.server.port, once, gate.origins[0]) == 403


def test_a_prompt_a_pause_and_a_seed(session, gate):
    with page(session.server.port, f"token={gate.token}") as one:
        one.send(json.dumps({"do": "prompt", "text": "turn left"}))
        while True:
            state = messages(one, "state")
            if state["showing"]["text"] == "turn left":
                break
        assert state["history"] == ["walk", "turn left"]
        assert state["latency"]["frames"] <= 8
        one.send(json.dumps({"do": "pause", "on": True}))
        while not messages(one, "state")["paused"]:
            pass
        one.send(json.dumps({"do": "seed", "value": 9}))
        while messages(one, "state")["seed"] != 9:
            pass
        one.send(json.dumps({"do": "pause", "on": False}))
        messages(one, "frame")


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        '{"do":"shell","text":"x"}',
        '{"do":"prompt"}',
        '{"do":"prompt","text":5}',
        '{"do":"prompt","text":"walk","more":1}',
        '{"do":"seed","value":-1}',
        '{"do":"guidance","value":1e9}',
        b"\xff\x00",
    ],
)
def test_what_is_no_command_is_said_and_nothing_happens(session, gate, message):
    with page(session.server.port, f"token={gate.token}") as one:
        one.send(message)
        assert messages(one, "fault")["text"]
    assert session.engine.prompts.wanted.number == 0
    assert session.engine.seed == 0
    goes_on(session)


def cut_off(session, gate, sent):
    """Whether the connection ends while these are sent, or after."""
    from websockets.exceptions import ConnectionClosed

    with page(session.server.port, f"token={gate.token}") as one:
        try:
            for message in sent:
                one.send(message)
            messages(one, "never")
        except ConnectionClosed:
            return True
    return False


def test_a_flood_of_prompts_is_cut_off_and_the_motion_goes_on(session, gate):
    flood = (json.dumps({"do": "prompt", "text": f"turn {number}"}) for number in range(100_000))
    assert cut_off(session, gate, flood)
    assert session.engine.prompts.wanted.number < 100
    goes_on(session)
    with page(session.server.port, f"token={gate.token}") as another:
        assert len(messages(another, "frame")) == 284


def test_a_page_that_reads_nothing_loses_its_frames_and_costs_the_others_nothing():
    from tests.live.conftest import FakeHost

    with running(FakeHost(fps=500)) as session:  # so that its buffers are full soon
        port, token = session.server.port, session.server.gate.token
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", port))
            asked = (
                f"GET /ws?token={token} HTTP/1.1",
                f"Host: 127.0.0.1:{port}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
            )
            stalled.sendall("".join(f"{line}\r\n" for line in (*asked, "")).encode("ascii"))
            assert b" 101 " in stalled.recv(64)
            tally, end = session.bus.tally("browser"), time.monotonic() + 30
            while tally.dropped < 50:
                assert time.monotonic() < end
                time.sleep(0.01)
            sent = tally.sent
            while tally.dropped < 100:
                assert time.monotonic() < end
                time.sleep(0.01)
            assert tally.sent == sent  # it waits in the middle of one message
            with page(port, f"token={token}") as other:
                numbers = [messages(other, "frame")[:4] for _ in range(20)]
            assert len(set(numbers)) == 20
            goes_on(session)
            began = time.monotonic()
    assert time.monotonic() - began < 2  # it ends without a farewell to who does not read


def test_a_message_that_is_too_large_ends_its_connection(session, gate):
    assert cut_off(session, gate, [json.dumps({"do": "prompt", "text": "x" * 100_000})])
    goes_on(session)


def test_only_so_many_pages(session, gate):
    from dartenv.live.server import MOST_PAGES

    with contextlib.ExitStack() as held:
        for _ in range(MOST_PAGES):
            messages(held.enter_context(page(session.server.port, f"token={gate.token}")), "about")
        assert refused(session.server.port, f"token={gate.token}") == 503


def test_a_bucket_fills_with_time():
    from dartenv.live.control import Bucket

    time_ = [0.0]
    bucket = Bucket(5, 10, lambda: time_[0])
    assert [bucket.take() for _ in range(12)] == [True] * 10 + [False] * 2
    time_[0] = 0.41
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    time_[0] = 1000
    assert [bucket.take() for _ in range(11)] == [True] * 10 + [False]


def test_every_word_of_the_page_is_there_in_both_languages_and_is_used():
    import re

    from dartenv.live.pages import FOLDER

    source = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.*")}
    words = json.loads(source["words.js"].split("WORDS =", 1)[1].rstrip().rstrip(";"))
    page = source["index.html"]
    named = dict(re.findall(r'data-w="([\w-]+)"[^>]*>([^<]*)<', page))
    named.update(
        (key, text) for text, key in re.findall(r'label="([^"]*)" data-w-label="(.*?)"', page)
    )
    named.update(
        (key, text) for text, key in re.findall(r'title="([^"]*)" data-w-title="(.*?)"', page)
    )
    assert len(named) == page.count("data-w")
    # Without its script, and for whoever reads the file, the page has the English words.
    assert {key: words[key][0] for key in named if key != "language"} == {
        key: text for key, text in named.items() if key != "language"
    }
    scripts = source["app.js"] + source["link.js"] + source["language.js"]
    asked = set(re.findall(r'"([\w-]+)"', scripts))
    assert set(words) - set(named) - asked == set()
    assert set(re.findall(r'say\("([\w-]+)"', scripts)) <= set(words)
    for key, (english, chinese) in words.items():
        assert english, key
        assert chinese, key
        filled = [set(re.findall(r"\{(\w+)\}", text)) for text in (english, chinese)]
        assert filled[0] == filled[1], key
        assert english.isascii() or key == "language"


def test_vendored_files_are_those_of_the_package():
    import hashlib

    from dartenv.live.pages import FOLDER

    vendor = FOLDER / "vendor"
    listed = json.loads((vendor / "versions.json").read_text(encoding="utf-8"))["three"]["files"]
    for name, digest in listed.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    others = {p.name for p in vendor.iterdir()} - set(listed)
    assert others == {"README.md", "versions.json"}
