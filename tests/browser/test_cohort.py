"""`dojo serve --cohort`: a name once, then a personal link."""

from __future__ import annotations

import pytest
from driving import EXERCISE, Site, editor_text, open_page, saved, write

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def cohort_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("cohort"), DOJO_COHORT="1").start()
    yield site
    site.stop()


def join(context, site, name: str):
    page = open_page(context, site.url, ready="text=Your name")
    page.get_by_role("textbox", name="Your name").press_sequentially(name)
    page.get_by_role("button", name="Join").click()
    link = page.locator("[data-testid=stCode]").inner_text().strip()
    assert link.startswith(site.url) and "me=" in link
    return page, link


def test_everyone_has_drafts_of_their_own(cohort_site, visit):
    name = "**Ada** <img src=x onerror=a()> [x](http://a.test)"
    page, link = join(visit(), cohort_site, name)
    page.get_by_role("link", name="Begin").click()
    page.get_by_text("exercises passed").first.wait_for()
    page.get_by_text(f"You are {name}").wait_for()
    token = link.split("me=")[1]
    ada = open_page(visit(), f"{cohort_site.url}{EXERCISE}&me={token}")
    write(ada, "mine = 'Ada'")
    saved(ada)
    _, other_link = join(visit(), cohort_site, "Grace")
    grace = open_page(visit(), f"{cohort_site.url}{EXERCISE}&me={other_link.split('me=')[1]}")
    assert "raise NotImplementedError" in editor_text(grace)
    again = open_page(visit(), f"{cohort_site.url}{EXERCISE}&me={token}")
    again.locator(".cm-content", has_text="mine = 'Ada'").wait_for()
    assert f"me={token}" in again.url
    again.locator("[data-testid=stMain]").get_by_role("link", name="LayerNorm").click()
    again.locator("h3.exercise", has_text="LayerNorm").wait_for()
    assert f"me={token}" in again.url


def test_an_unknown_link_is_told_so(cohort_site, visit):
    page = open_page(visit(), f"{cohort_site.url}{EXERCISE}&me=nobody", ready="text=Your name")
    page.get_by_text("does not know that personal link").wait_for()
