"""No text is lost: not by a reload, another tab, another browser, or a server that dies."""

from __future__ import annotations

import pytest
from driving import EXERCISE, editor_text, open_page, saved, write

pytestmark = pytest.mark.browser


def test_a_draft_is_there_after_a_reload(site, visit):
    page = open_page(visit(), site.url + EXERCISE)
    write(page, "x = 1  # typed and saved")
    saved(page)
    assert site.draft() == "x = 1  # typed and saved"
    page.keyboard.insert_text("\ny = 2  # typed a moment before the reload")
    page.reload()
    page.locator(".cm-content", has_text="a moment before").wait_for()
    saved(page)
    assert "y = 2" in (site.draft() or "")


def test_two_tabs_of_one_browser_show_the_same_text(site, visit):
    context = visit()
    one = open_page(context, site.url + EXERCISE)
    two = open_page(context, site.url + EXERCISE)
    write(one, "first = 1")
    two.locator(".cm-content", has_text="first = 1").wait_for()
    saved(one)
    two.locator(".cm-content").click()
    two.keyboard.press("Control+End")
    two.keyboard.insert_text("\nsecond = 2")
    one.locator(".cm-content", has_text="second = 2").wait_for()
    saved(two)
    for page in (one, two):
        assert page.locator(".note:visible").count() == 0
    assert site.draft() == "first = 1\nsecond = 2"


def test_two_browsers_are_asked_which_text_stays(site, visit):
    one = open_page(visit(), site.url + EXERCISE)
    two = open_page(visit(), site.url + EXERCISE)
    write(one, "at_home = 1")
    saved(one)
    write(two, "at_work = 2")
    two.locator(".note", has_text="changed in another window").wait_for()
    assert site.draft() == "at_home = 1", "nothing is written over unasked"
    two.get_by_role("button", name="Keep what stands here").click()
    saved(two)
    assert site.draft() == "at_work = 2"
    one.locator(".cm-content").click()
    one.keyboard.press("Control+End")
    one.keyboard.insert_text("23")
    one.locator(".note", has_text="changed in another window").wait_for()
    one.get_by_role("button", name="Take the other text").click()
    one.locator(".cm-content", has_text="at_work = 2").wait_for()
    assert site.draft() == "at_work = 2"


def test_kill_minus_nine_loses_neither_draft_nor_attempt(own_site, visit):
    page = open_page(visit(), own_site.url + EXERCISE)
    write(page, "def attention_pattern(q, k):\n    return q")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.locator(".st-key-verdict-failed").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("  # saved")
    saved(page)
    page.keyboard.insert_text(" and not saved yet")
    own_site.kill()
    assert own_site.draft() == "def attention_pattern(q, k):\n    return q  # saved"
    own_site.start()
    page.reload()
    page.locator(".cm-content", has_text="and not saved yet").wait_for()
    page.locator(".note", has_text="Restored").wait_for()
    saved(page)
    assert (own_site.draft() or "").endswith("# saved and not saved yet")
    page.locator(".st-key-verdict-failed").wait_for()


def test_a_page_that_stays_open_saves_when_the_server_is_back(own_site, visit):
    page = open_page(visit(), own_site.url + EXERCISE)
    write(page, "before = 1")
    saved(page)
    own_site.kill()
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("\nmeanwhile = 2")
    page.wait_for_timeout(1500)
    own_site.start()
    saved(page)
    page.wait_for_timeout(500)
    assert editor_text(page) == "before = 1\nmeanwhile = 2"
    assert own_site.draft() == "before = 1\nmeanwhile = 2"
