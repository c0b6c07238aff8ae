"""The page as a reader meets it: chromium without a network, wide and narrow, light and dark, by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mho.reports import write

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(results, description, make, tmp_path_factory) -> str:
    long = "a-device-with-an-unbroken-name" * 6
    path: Path = tmp_path_factory.mktemp("browser") / "report.html"
    write(
        path, title="LeNet: the average and the unlucky chip", results=results | {long: make(long, seed=3)},
        description=description, command="mho evaluate " + "x" * 300, specs={"RRAM1": "kind: RRAM1\n"},
        references=("qin2025neft",),
    )  # fmt: skip
    return path.as_uri()


def _open(browser, address: str, width: int = 1400, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(address)


@pytest.mark.parametrize("width", [380, 1400])
def test_fits_complains_of_nothing_and_fetches_nothing(browser, address, width) -> None:
    _open(browser, address, width)
    for details in browser.find_elements("tag name", "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.body.getBoundingClientRect().width") <= width
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    narrowest = browser.execute_script(
        "const all = [...document.querySelectorAll('.panels svg')];"
        "return Math.min(...all.map(svg => svg.getBoundingClientRect().width))"
    )
    assert narrowest > 300


def test_light_and_dark_differ_on_page_and_in_figures(browser, address) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        _open(browser, address, scheme=scheme)
        seen[scheme] = browser.execute_script(
            "const s = (q, p) => getComputedStyle(document.querySelector(q))[p];"
            "return [s('body', 'backgroundColor'), s('body', 'color'), s('.panels svg text', 'fill'),"
            " s('.legend svg path[style*=series]', 'stroke')]"
        )
    assert all(a != b for a, b in zip(seen["light"], seen["dark"], strict=True))
    for colours in seen.values():
        assert colours[1] == colours[2] or colours[2] != colours[0], "text of figures is visible on the page"


def _column(browser, index: int) -> list[str]:
    return browser.execute_script(
        "const rows = [...document.querySelectorAll('table.sortable tbody tr')];"
        "return rows.map(row => row.cells[arguments[0]].innerText)",
        index,
    )


def test_tables_sort_by_keyboard(browser, address) -> None:
    from selenium.webdriver.common.keys import Keys

    _open(browser, address)
    head = browser.find_elements("css selector", "table.sortable thead th")[3]
    button = head.find_element("tag name", "button")
    browser.execute_script("arguments[0].focus()", button)
    assert head.get_attribute("aria-sort") == "none"
    for state, direction in (("ascending", 1), ("descending", -1)):
        button.send_keys(Keys.ENTER if direction == 1 else Keys.SPACE)
        assert head.get_attribute("aria-sort") == state
        means = [float(text.split()[0]) for text in _column(browser, 3)]
        assert means == sorted(means, reverse=direction == -1)
    sorted_heads = browser.find_elements("css selector", "th[aria-sort]:not([aria-sort=none])")
    assert len(sorted_heads) == 1


def test_focus_is_visible(browser, address) -> None:
    from selenium.webdriver.common.keys import Keys

    _open(browser, address)
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    assert browser.execute_script(style) == "solid2px"


def test_copy_buttons_answer(browser, address) -> None:
    _open(browser, address)
    figure = browser.find_element("css selector", "details.reproduce")
    figure.find_element("tag name", "summary").click()
    button = figure.find_element("css selector", "button.copy")
    assert button.accessible_name == "Copy the command"
    button.click()
    said = browser.execute_async_script(
        "const done = arguments[0]; setTimeout(() => done(document.getElementById('said').textContent), 200)"
    )
    assert said in ("Copied", "Selected")
    assert len(browser.find_elements("css selector", "button.copy")) >= 6
