"""Worst cases and verifications in a browser: their marks answer, their tables sort, filters of results leave them."""

from __future__ import annotations


def _told(browser) -> str:
    return browser.execute_script("return document.getElementById('tip').innerText").replace("\N{NO-BREAK SPACE}", " ")


def test_marks_of_chapters_tell_their_numbers_by_keyboard(browser, open_page, chapters_address) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(chapters_address)
    for figure, first, later in (
        ("worst-chip", "within ±0.5 % of the full scale", "within ±6 % of the full scale"),
        ("verification", "0 % of the weights verified", "10 % of the weights verified"),
    ):
        stop = browser.find_element("css selector", f".{figure} .panels svg circle[tabindex='0']")
        browser.execute_script("arguments[0].focus()", stop)
        assert first in _told(browser)
        for _ in range(4):
            browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        assert later in _told(browser)
        browser.switch_to.active_element.send_keys(Keys.ESCAPE)


def test_filters_of_results_leave_chapters_alone(browser, open_page, chapters_address) -> None:
    open_page(chapters_address)
    browser.find_element("css selector", "#filters input").send_keys("no such row")
    assert browser.find_elements("css selector", ".study .panels .out")
    assert not browser.find_elements("css selector", ".chapter .out")


def test_tables_of_chapters_sort(browser, open_page, chapters_address) -> None:
    open_page(chapters_address)
    table = browser.find_element("css selector", "[aria-labelledby=bounds] table")
    heads = [h.text for h in table.find_elements("css selector", "thead th")]
    column = heads.index("found [on data searched]")
    button = table.find_elements("css selector", "thead button")[column]
    browser.execute_script("arguments[0].click()", button)
    cells = table.find_elements("css selector", f"tbody tr > :nth-child({column + 1})")
    found = [float(cell.text.split()[0]) for cell in cells]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_link_of_the_answer_leads_to_its_chapter(browser, open_page, chapters_address) -> None:
    open_page(chapters_address)
    link = browser.find_element("css selector", ".beyond a[href='#verification']")
    browser.execute_script("arguments[0].click()", link)
    top = "return document.getElementById('verification').getBoundingClientRect().top"
    assert 0 <= browser.execute_script(top) < 900
