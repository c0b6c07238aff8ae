"""The page of a design in a browser: it fits, its marks answer, filters of its table leave their points alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand_ins_design import choice, design

import mho


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    path: Path = tmp_path_factory.mktemp("design") / "report.html"
    asked = design(["p1 >= 0.8", "mean >= 0.9"], budget={"write_cycles": 1.5e6})
    why = "a-reason-with-an-unbroken-name" * 6
    made = choice(asked, refused={("OVF", "once"): why}, tried=1)
    return mho.report(path, design=made).as_uri()


@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_complains_of_nothing(browser, open_page, address, width, scheme) -> None:
    open_page(address, width, scheme)
    for details in browser.find_elements("tag name", "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []


def test_filters_leave_the_points_of_what_they_leave(browser, open_page, address) -> None:
    from selenium.webdriver.support.ui import Select

    open_page(address)
    form = browser.find_element("css selector", "form.filters")
    assert form.find_element("tag name", "output").text == "15 of 15 rows"
    assert not browser.find_elements("css selector", ".out")
    Select(form.find_elements("tag name", "select")[0]).select_by_visible_text("IRS")
    assert form.find_element("tag name", "output").text == "4 of 15 rows"
    rows = browser.find_elements("css selector", "[aria-labelledby=design-candidates-0] tbody tr")
    shown = [row.find_element("tag name", "th").text for row in rows if row.is_displayed()]
    assert shown == ["IRS"] * 4
    left = browser.find_elements("css selector", "figure.front .marks:not(.out)")
    assert {mark.get_attribute("data-series") for mark in left} == {
        row.get_attribute("data-series") for row in rows if row.is_displayed()
    }
    assert not browser.find_elements("css selector", "figure.why .out"), "another figure has other numbers"
    form.find_element("css selector", "button[type=reset]").click()
    browser.execute_async_script("setTimeout(arguments[0], 20)")
    assert not browser.find_elements("css selector", ".out")


def test_marks_tell_their_numbers_by_keyboard(browser, open_page, address) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(address)
    stop = browser.find_element("css selector", "figure.front .panels svg circle[tabindex='0']")
    browser.execute_script("arguments[0].focus()", stop)
    told = browser.execute_script("return document.getElementById('tip').innerText")
    assert "1st percentile of accuracy" in told
    assert "write cycles a chip" in told
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
