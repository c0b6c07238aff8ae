"""The page of a study in a browser: filters, legends, print, and what is left without a script."""

from __future__ import annotations


def test_filters_hide_rows_and_grey_series(browser, open_page, study_address) -> None:
    open_page(study_address)
    count = browser.find_element("id", "count")
    assert (count.text, count.get_attribute("aria-live"), count.aria_role) == ("90 of 90 rows", "polite", "status")
    selects = browser.find_elements("css selector", "#filters select")
    assert [s.accessible_name for s in selects] == ["model", "memory.device"]
    selects[1].find_element("xpath", "option[text()='PCM']").click()
    assert count.text == "18 of 90 rows"
    shown = "return [...document.querySelectorAll('table.sortable tbody tr:not([hidden])')].map(r => r.dataset.series)"
    assert set(browser.execute_script(shown)) == {"4", "9", "14"}
    clear = "return [...document.querySelectorAll('.panels [data-series]:not(.out)')].map(e => e.dataset.series)"
    assert set(browser.execute_script(clear)) == {"4", "9", "14"}
    search = browser.find_element("css selector", "#filters input")
    search.send_keys("vgg9 0.2 1y")
    assert count.text == "1 of 90 rows"
    assert set(browser.execute_script(clear)) == {"14"}
    browser.find_element("css selector", "#filters button").click()
    browser.execute_async_script("setTimeout(arguments[0], 20)")
    assert count.text == "90 of 90 rows"


def test_a_legend_brings_its_results_forward(browser, open_page, study_address) -> None:
    open_page(study_address)
    key = browser.find_element("css selector", ".percentile .legend button")
    browser.execute_script("arguments[0].focus()", key)
    lit = "return [...new Set([...document.querySelectorAll('.lit .on')].map(e => e.dataset.series))].map(Number)"
    assert sorted(browser.execute_script(lit)) == [0, 5, 10]
    browser.execute_script("arguments[0].blur()", key)
    assert browser.execute_script(lit) == []


def test_print_shows_figures_and_all_rows_and_no_controls(browser, open_page, study_address) -> None:
    open_page(study_address)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = "return getComputedStyle(document.querySelector(arguments[0])).display"
    for control in ("#filters", ".copy", ".pdf", ".hint", ".reproduce"):
        assert browser.execute_script(hidden, control) == "none"
    assert browser.execute_script("return getComputedStyle(document.querySelector('.tall')).maxHeight") == "none"
    assert browser.execute_script("return getComputedStyle(document.querySelector('.panels svg')).display") == "block"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_a_script_the_table_and_the_titles_stay(browser, open_page, study_address) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(study_address)
        assert not browser.find_element("id", "filters").is_displayed()
        assert not browser.find_element("css selector", ".hint").is_displayed()
        assert len(browser.find_elements("css selector", "table.sortable tbody tr")) == 90
        assert browser.find_elements("css selector", ".marks title")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
