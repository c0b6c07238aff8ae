"""The page as a reader meets it: chromium without a network, wide and narrow, light and dark, by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from mho.reports import write


@pytest.fixture(scope="module")
def downloads(browser, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("downloads")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    return folder


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


@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize("page", ["address", "study_address", "chapters_address"])
def test_fits_complains_of_nothing_and_fetches_nothing(browser, open_page, request, page, width) -> None:
    open_page(request.getfixturevalue(page), width)
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


def test_light_and_dark_differ_on_page_and_in_figures(browser, open_page, address) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        open_page(address, scheme=scheme)
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


def test_tables_sort_by_keyboard(browser, open_page, address) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(address)
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


def test_focus_is_visible(browser, open_page, address) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(address)
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    assert browser.execute_script(style) == "solid2px"


@pytest.mark.parametrize(
    ("what", "allowed"),
    [("the command", True), ("the specification RRAM1", False), ("the BibTeX entries", False)],
)
def test_copy_buttons_copy(browser, open_page, address, what, allowed) -> None:
    open_page(address)
    browser.execute_script(
        "for (const d of document.querySelectorAll('details')) d.open = true;"
        "window.copied = null; document.addEventListener('copy', () => { window.copied = getSelection().toString(); });"
        "const write = async (text) => { if (!arguments[0]) throw Error('no'); window.copied = text; };"
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: write } });",
        allowed,
    )
    button = browser.find_element("css selector", f"button.copy[aria-label='Copy {what}']")
    wanted = browser.execute_script("return arguments[0].parentElement.querySelector('code').textContent", button)
    browser.execute_script("arguments[0].focus()", button)
    button.send_keys("\n")
    said = browser.execute_async_script(
        "const done = arguments[0]; setTimeout(() => done(document.getElementById('said').textContent), 50)"
    )
    assert said == "Copied"
    assert browser.execute_script("return window.copied").strip() == wanted.strip() != ""


def _tip(browser) -> str:
    return browser.execute_script("const t = document.getElementById('tip'); return t.hidden ? '' : t.innerText")


def test_marks_tell_their_numbers_by_keyboard_and_pointer(browser, open_page, address) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    width = 380
    open_page(address, width)
    stops = browser.find_elements("css selector", ".panels svg:first-child circle[tabindex='0']")
    assert len(stops) == len(browser.find_elements("css selector", ".panels")), "a figure is one stop for Tab"
    browser.execute_script("arguments[0].focus()", stops[0])
    first = _tip(browser).replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert first[:2] == ["RRAM1", "sigma 0.02 just programmed"]
    assert first[2].startswith("mean 98.")
    assert first[3] == "100 chips"
    assert browser.switch_to.active_element.accessible_name.split() == _tip(browser).split()
    for _ in range(4):
        browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert "sigma 0.2" in _tip(browser), "to the last sigma"
    box = browser.execute_script("return document.getElementById('tip').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= width
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert _tip(browser) == ""
    far = browser.find_elements("css selector", ".panels svg:first-child circle")[2]
    ActionChains(browser).move_to_element(far).perform()
    assert _tip(browser).startswith("RRAM1")
    ActionChains(browser).move_to_element(browser.find_element("tag name", "h1")).perform()
    browser.execute_script("document.activeElement.blur()")
    assert _tip(browser) == ""
    ActionChains(browser).click(far).perform()
    assert _tip(browser).startswith("RRAM1")


def test_a_figure_downloads_as_pdf(browser, open_page, address, downloads) -> None:
    import time

    open_page(address)
    link = browser.find_element("css selector", "a.pdf")
    browser.execute_script("arguments[0].click()", link)
    path = downloads / link.get_attribute("download")
    for _ in range(100):
        if path.exists():
            break
        time.sleep(0.02)
    pdf = path.read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"/MediaBox [ 0 0 252 " in pdf
