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
    "--lang=en",
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
        # The word and the last frame come in messages of their own: the frame may be shown later.
        until(lambda: frame(page) == session.engine.figures.frames - 1)
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


LANGUAGE = "return document.documentElement.lang"
# What stands outside its box sideways, as a panel that has to be scrolled.
WIDE = """return [document.documentElement, ...document.querySelectorAll("aside, main, header")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.tagName)"""


def test_it_speaks_chinese_and_remembers(session, tmp_path):
    page = browser(tmp_path / "browser", "--disable-3d-apis")
    try:
        page.get(session.server.gate.address)
        until(lambda: frame(page) > 5)
        assert page.execute_script(LANGUAGE) == "en"
        page.find_element("id", "pause").click()
        until(lambda: text(page, "pause") == "go on")
        page.find_element("id", "language").click()
        # Also what was told before and does not come again while the motion is held.
        assert page.execute_script(LANGUAGE) == "zh-CN"
        assert text(page, "pause") == "继续"
        assert text(page, "paused") == "已暂停"
        assert text(page, "showing").startswith("正在显示 walk")
        assert text(page, "link") == "已连接"
        assert text(page, "place").startswith("第 ")
        assert text(page, "label") == "沙盒，不是 DART 本身：sandbox: a test's"
        assert page.find_element("id", "view").get_attribute("aria-label") == "运动中的人体"
        assert page.find_element("id", "shape").get_attribute("title") == "人体或骨架"
        until(lambda: "浏览器" in text(page, "receivers"))
        assert text(page, "figures").startswith("帧率")
        page.find_element("id", "prompt").send_keys("walk*6\n")
        fault = page.find_element("id", "fault")
        until(lambda: "counts primitives" in fault.text)  # dartenv's own words stay as they are
        assert fault.get_attribute("lang") == "en"
        page.refresh()
        until(lambda: text(page, "pause") == "继续")
        page.find_element("id", "language").click()
        assert text(page, "pause") == "go on"
        assert page.execute_script(LANGUAGE) == "en"
    finally:
        page.quit()


def test_a_browser_in_chinese_gets_chinese_and_its_theme_can_be_changed(session, tmp_path):
    page = browser(tmp_path / "browser", "--disable-3d-apis", "--accept-lang=zh-CN")
    ground = "return getComputedStyle(document.body).backgroundColor"
    try:
        page.get(session.server.gate.address)
        until(lambda: text(page, "link") == "已连接")
        light = page.execute_script(ground)
        page.find_element("id", "theme").click()
        dark = page.execute_script(ground)
        assert dark != light
        page.refresh()
        until(lambda: text(page, "link") == "已连接")
        assert page.execute_script(ground) == dark
        page.find_element("id", "theme").click()
        assert page.execute_script(ground) == light
    finally:
        page.quit()


def test_contrast_labels_and_widths_in_both_languages_and_themes(session, tmp_path):
    page = browser(tmp_path / "browser", "--disable-3d-apis")
    choose = """localStorage.setItem("dartenv.language", arguments[0]);
        localStorage.setItem("dartenv.theme", arguments[1]);"""
    try:
        page.get(session.server.gate.address)
        for language, connected in (("en", "connected"), ("zh", "已连接")):
            for theme in ("light", "dark"):
                page.execute_script(choose, language, theme)
                page.refresh()
                until(lambda word=connected: text(page, "link") == word)
                page.find_element("id", "prompt").send_keys("walk*6\n")
                until(lambda: text(page, "fault"))
                for width in (1200, 400):
                    size = {"width": width, "height": 820, "deviceScaleFactor": 1, "mobile": False}
                    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                    assert page.execute_script(WIDE) == [], (language, theme, width)
                    assert barriers(page) == [], (language, theme, width)
        assert not [e for e in page.get_log("browser") if e["level"] == "SEVERE"]
    finally:
        page.quit()


def test_seed_guidance_long_prompts_and_a_second_page(session, tmp_path):
    page = browser(tmp_path / "browser", "--disable-3d-apis")
    put = """arguments[0].value = arguments[1];
        for (const kind of ["input", "change"]) arguments[0].dispatchEvent(new Event(kind));"""
    engine = session.engine
    try:
        page.get(session.server.gate.address)
        until(lambda: frame(page) > 5)
        page.execute_script(put, page.find_element("id", "guidance"), "2.5")
        until(lambda: engine.guidance == 2.5)
        assert text(page, "guidance-value") == "2.5"
        seed = page.find_element("id", "seed")
        seed.clear()
        seed.send_keys("42\n")
        until(lambda: engine.seed == 42)
        until(lambda: " 42.00 " in text(page, "place"))  # the fake's motion lies at y = seed

        prompt = page.find_element("id", "prompt")
        page.execute_script("arguments[0].value = 'walk '.repeat(500)", prompt)
        prompt.send_keys("\n")
        until(lambda: text(page, "fault").startswith("A prompt of 2500 characters; 1000 at most"))
        assert engine.prompts.wanted.number == 0
        page.execute_script("arguments[0].value = '向前走 😀 '.repeat(60)", prompt)
        prompt.send_keys("\n")
        until(lambda: "向前走 😀" in text(page, "showing"))
        assert text(page, "fault") == ""
        assert page.execute_script(WIDE) == []

        first = page.current_window_handle
        page.switch_to.new_window("tab")
        page.get(session.server.gate.address)
        until(lambda: frame(page) > 0)
        assert "向前走 😀" in text(page, "showing")
        assert session.statistics()["pages"] == 2
        page.find_element("id", "prompt").send_keys("turn left\n")
        until(lambda: "turn left" in text(page, "showing"))
        page.close()
        page.switch_to.window(first)
        until(lambda: "turn left" in text(page, "showing"))
        until(lambda: session.statistics()["pages"] == 1)
        page.get("about:blank")
        until(lambda: session.statistics()["pages"] == 0)
        made = engine.figures.frames
        until(lambda: engine.figures.frames > made + 10)  # nobody looks, and it goes on
        page.get(session.server.gate.address)
        until(lambda: frame(page) > made)
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
