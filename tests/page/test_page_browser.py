"""The page in a real browser: it loads, filters, plays, changes language and theme, and passes axe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Iterator, List

import msgspec
import pytest

from dartenv.page.model import Page
from dartenv.page.render import render

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
WebDriverWait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait
axe = pytest.importorskip("axe_core_python.selenium", reason="needs axe-core-python")

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,1600",
    "--lang=en",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    started = webdriver.Chrome(options=options, service=service)
    yield started
    started.quit()


@pytest.fixture
def opened(browser: Any, page: Page, tmp_path: Path) -> Any:
    path = tmp_path / "页 page.html"
    path.write_text(render(page), encoding="utf-8")
    browser.get(path.as_uri())
    browser.execute_script("localStorage.clear(); speak('en'); dress('light');")
    return browser


def shown(browser: Any) -> List[str]:
    return [
        one.find_element("css selector", "code").text
        for one in browser.find_elements("css selector", ".finding")
        if one.is_displayed()
    ]


def test_it_loads_without_a_word_on_the_console(opened: Any) -> None:
    assert opened.get_log("browser") == []
    assert opened.execute_script("return window.broken") is None
    assert len(opened.find_elements("css selector", ".chart canvas")) == 1


def test_a_fleet_alone_loads_as_well(opened: Any, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "fleet.html"
    alone = Page(command="report", dartenv="0", healthy=False, fleet=page.fleet)
    path.write_text(render(alone), encoding="utf-8")
    opened.get(path.as_uri())
    assert opened.get_log("browser") == []
    cells = opened.find_elements("css selector", "main thead th")
    assert [cell.text for cell in cells][1:3] == ["alpha", "beta"]
    assert axe.Axe().run(opened)["violations"] == []


def test_the_filter_filters(opened: Any) -> None:
    assert shown(opened) == ["packages.torch", "cuda.env"]
    opened.find_element("css selector", "input[value=ok]").click()
    assert shown(opened) == ["packages.torch", "cuda.env", "host.disk"]
    query = opened.find_element("id", "query")
    query.send_keys("2.4.1+CU118")
    assert shown(opened) == ["packages.torch"]
    query.send_keys(" nothing-like-it")
    assert shown(opened) == []
    assert opened.find_element("id", "none").text == "Nothing matches."
    opened.execute_script("query.value = ''; query.dispatchEvent(new Event('input'))")
    for tick in opened.find_elements("css selector", "input[name=status]:checked"):
        tick.click()
    assert shown(opened) == []
    assert "statuses ticked" in opened.find_element("id", "none").text


def test_facts_can_be_searched(opened: Any) -> None:
    opened.find_element("id", "fact-query").send_keys("driver")
    rows = opened.find_elements("css selector", "#facts tbody tr")
    assert [row.text for row in rows if row.is_displayed()] == ["driver 531.79"]


def test_the_player_plays_scrubs_and_turns(opened: Any) -> None:
    pixels = "return document.querySelector('.player canvas').toDataURL()"
    start = opened.execute_script(pixels)
    opened.find_element("css selector", ".play").click()
    WebDriverWait(opened, 20).until(lambda one: one.execute_script("return players[0].frame") > 5)
    opened.find_element("css selector", ".play").click()
    held = opened.execute_script("return players[0].frame")
    assert opened.execute_script("return players[0].playing") is False
    assert opened.execute_script(pixels) != start

    slider = opened.find_element("css selector", ".player input")
    slider.send_keys("\ue011")  # Home
    assert opened.execute_script("return players[0].frame") == 0
    slider.send_keys("\ue014")  # right arrow
    assert opened.execute_script("return players[0].frame") == 1
    assert held != 1
    opened.execute_script("players[0].go(1000)")
    assert opened.execute_script("return players[0].frame") == 59
    opened.execute_script("players[0].go(45)")
    assert opened.find_element("css selector", ".caption").text == "stand"

    before = opened.execute_script(pixels)
    canvas = opened.find_element("css selector", ".player canvas")
    canvas.send_keys("\ue014")
    turned = opened.execute_script(pixels)
    assert turned != before
    opened.find_element("css selector", ".reset").click()
    assert opened.execute_script(pixels) == before


def test_it_speaks_chinese_and_remembers(opened: Any) -> None:
    opened.find_element("id", "language").click()
    assert opened.find_element("id", "h-findings").text == "检查结果"
    assert opened.execute_script("return document.documentElement.lang") == "zh-CN"
    assert opened.find_element("css selector", ".play").text == "播放"
    labels = "return ['.player canvas', '.chart', '.copy'].map((one) => document.querySelector(one).ariaLabel)"
    player, chart, copy = opened.execute_script(labels)
    assert player == "STAND-INS; rollout history: 60 帧, 30 fps; walk; stand"
    assert chart == "smoke.rollout.fps: 5 晚, 最近 40 frames/s; 变差的指标, 起始 2026-09-25"
    assert copy == "复制: dartenv fix packages.torch"
    opened.refresh()
    assert opened.find_element("id", "h-findings").text == "检查结果"


def test_the_table_of_a_trend_has_its_values(opened: Any) -> None:
    opened.find_element("css selector", ".trend summary").click()
    rows = ".trend .rows tr"
    WebDriverWait(opened, 20).until(lambda one: len(one.find_elements("css selector", rows)) == 5)
    assert "40 frames/s night-4" in opened.find_elements("css selector", rows)[0].text


def test_millionths_of_a_metre_are_not_shown_as_nothing(
    opened: Any, page: Page, tmp_path: Path
) -> None:
    parity = msgspec.structs.replace(
        page.trends[0], unit="m", values=(4.1e-6, 4.2e-6, 4.0e-6, 4.1e-6, 3.9e-5), regression=None
    )
    path = tmp_path / "parity.html"
    path.write_text(render(msgspec.structs.replace(page, trends=(parity,))), encoding="utf-8")
    opened.get(path.as_uri())
    opened.find_element("css selector", ".trend summary").click()
    rows = "return [...document.querySelectorAll('.trend .rows tr')].map((row) => row.innerText)"
    WebDriverWait(opened, 20).until(lambda one: len(one.execute_script(rows)) == 5)
    shown_rows = opened.execute_script(rows)
    assert "3.9e-5 m" in shown_rows[0]
    assert "4.1e-6 m" in shown_rows[-1]


def test_the_wheel_zooms_a_chosen_player_and_else_scrolls(opened: Any) -> None:
    turn = """
        const wheel = new WheelEvent("wheel", { deltaY: -100, cancelable: true, bubbles: true });
        document.querySelector(".player canvas").dispatchEvent(wheel);
        return [players[0].zoom, wheel.defaultPrevented];
    """
    assert opened.execute_script(turn) == [1, False]
    opened.execute_script("document.querySelector('.player canvas').focus()")
    zoom, taken = opened.execute_script(turn)
    assert zoom > 1
    assert taken


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_contrast_labels_and_order_pass_axe(opened: Any, theme: str, language: str) -> None:
    opened.execute_script(f"dress('{theme}'); speak('{language}');")
    for tick in opened.find_elements("css selector", "input[name=status]"):
        if not tick.is_selected():
            tick.click()
    found = axe.Axe().run(opened)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert "color-contrast" in {one["id"] for one in found["passes"]}
