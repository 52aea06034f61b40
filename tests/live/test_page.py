"""The page in a real browser: a prompt is typed, the body moves, it is held."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

pytest.importorskip("numpy")
pytest.importorskip("websockets")
webdriver = pytest.importorskip("selenium.webdriver")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
if BROWSER is None or DRIVER is None:
    pytest.skip("needs chromium and chromedriver", allow_module_level=True)

QUIET = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--window-size=800,480",
]

HISTORY = "return [...document.querySelectorAll('#history button')].map((b) => b.textContent)"


def browser(folder, *more):
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*QUIET, f"--user-data-dir={folder}", *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER), options=options)


@pytest.fixture
def session(host):
    from dartenv.live.session import Session, Wanted

    made = Session(host, Wanted(prompt="walk"))
    ready = threading.Event()
    thread = threading.Thread(target=lambda: made.run(None, ready.set), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield made
    made.engine._end()
    thread.join(20)


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


def text(page, name):
    return page.find_element("id", name).text


def frame(page):
    words = text(page, "place").split()
    return int(words[1]) if words[1].isdigit() else -1


def pixels(page):
    return page.find_element("id", "view").screenshot_as_png


def barriers(page):
    """What axe finds wrong for those who do not see, or not well."""
    try:
        from axe_core_python.selenium import Axe
    except ImportError:
        return []
    return [found["id"] for found in Axe().run(page)["violations"]]


# Without WebGL the same in lines on a plain canvas.
@pytest.mark.parametrize("more", [(), ("--disable-3d-apis",)], ids=["webgl", "lines"])
def test_the_page_shows_motion_and_takes_prompts(session, tmp_path, more):
    page = browser(tmp_path / "browser", *more)
    try:
        page.get(session.server.gate.once_address())
        until(lambda: frame(page) > 5)
        assert "once" not in page.current_url
        assert text(page, "label") == "sandbox: a test's"
        first = pixels(page)
        until(lambda: pixels(page) != first)

        page.find_element("id", "prompt").send_keys("turn left\n")
        until(lambda: "turn left" in text(page, "showing"))
        assert page.execute_script(HISTORY) == ["turn left", "walk"]
        page.find_element("id", "prompt").send_keys("walk*6\n")
        until(lambda: "counts primitives" in text(page, "fault"))

        if more:  # the panel is the same in both
            assert barriers(page) == []

        page.find_element("id", "pause").click()
        until(lambda: text(page, "paused") == "paused")
        held = frame(page)
        made = session.engine.figures.frames
        time.sleep(0.3)
        assert (frame(page), session.engine.figures.frames) == (held, made)
        page.find_element("id", "pause").click()
        until(lambda: frame(page) > held)

        page.refresh()  # the token is kept for this tab
        until(lambda: frame(page) > held)
        assert not [e for e in page.get_log("browser") if e["level"] == "SEVERE"]
    finally:
        page.quit()


def test_another_origin_in_the_browser_gets_nothing(session, tmp_path):
    page = browser(tmp_path / "browser")
    try:
        page.get("data:text/html,<title>elsewhere</title>")
        port, token = session.server.port, session.server.gate.token
        ended = page.execute_async_script(
            """const done = arguments[arguments.length - 1];
            const socket = new WebSocket(arguments[0]);
            socket.onopen = () => done("in");
            socket.onclose = () => done("out");""",
            f"ws://127.0.0.1:{port}/ws?token={token}",
        )
        assert ended == "out"
        assert session.statistics()["pages"] == 0
    finally:
        page.quit()
