"""A learner's way through the site, from the door to the picture, in a real browser."""

from __future__ import annotations

import socket

import pytest
from driving import CHAPTER, EXERCISE, editor_text, open_page, saved, write

pytestmark = pytest.mark.browser

RIGHT = '''def attention_pattern(q, k):
    """Scaled dot products, masked, softmax over keys."""
    scores = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(q.shape[-1])
    future = torch.ones(q.shape[1], k.shape[1]).triu(1).bool()
    return scores.masked_fill(future, -1e9).softmax(dim=-1)
'''
OVER_QUERIES = RIGHT.replace("softmax(dim=-1)", "softmax(dim=-2)")


def check(page) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def test_from_the_map_to_the_picture(own_site, visit):
    page = open_page(visit(), own_site.url, ready="text=Begin here")
    page.get_by_role("link", name="Begin here").click()
    page.get_by_role("heading", name="Transformer from scratch").wait_for()
    page.locator("[data-testid=stMain] img[alt]").first.wait_for()
    page.locator("[data-testid=stMain]").get_by_role("link", name="attention_pattern").click()
    page.locator(".cm-content").wait_for()
    assert "exercise=attention_pattern" in page.url
    assert page.locator("[data-testid=stMain] .katex-display").count() >= 1
    assert "raise NotImplementedError" in editor_text(page)

    write(page, OVER_QUERIES)
    check(page)
    page.locator(".st-key-verdict-failed").wait_for()
    assert "softmax over queries" in page.locator(".mistake").inner_text()
    page.locator(".st-key-verdict .js-plotly-plot").nth(1).wait_for()  # expected and actual, side by side

    write(page, RIGHT)
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".st-key-verdict-passed").wait_for()

    number = page.get_by_placeholder("a number")
    number.fill("0")
    page.get_by_role("button", name="Answer").click()
    page.locator("[class*=-reply-wrong]", has_text="equal shares").wait_for()
    number.fill("0.25")
    page.get_by_role("button", name="Answer").click()
    page.locator("[class*=-reply-right]").wait_for()
    picture = page.frame_locator("iframe[title='A picture made by your code']")
    picture.get_by_text("head 0 Zoomed").wait_for()

    page.reload()
    page.locator(".st-key-verdict-passed").wait_for()
    page.locator(".cm-content", has_text="Scaled dot products").wait_for()
    assert editor_text(page).strip() == RIGHT.strip()
    page.get_by_role("link", name="Map of the course").click()
    page.get_by_text("1 of 17 exercises passed").wait_for()
    assert "Attention" in page.get_by_role("link", name="Continue where you were").inner_text()


def test_links_reload_and_the_back_button(site, visit):
    page = open_page(visit(), site.url + EXERCISE)
    page.locator("[data-testid=stMain]").get_by_role("link", name="LayerNorm").click()
    page.locator("h3.exercise", has_text="LayerNorm").wait_for()
    assert page.url.endswith("exercise=LayerNorm")
    page.reload()
    page.locator("h3.exercise", has_text="LayerNorm").wait_for()
    page.go_back()
    page.locator("h3.exercise", has_text="attention_pattern").wait_for()
    page.goto(site.url + "/chapter?chapter=nothing")
    page.get_by_text("This link leads nowhere").wait_for()


def test_help_opens_in_stages_and_stays_open(site, visit):
    page = open_page(visit(), site.url + f"{CHAPTER}&exercise=LayerNorm")
    page.get_by_role("button", name="A hint (1 of 3)").click()
    page.get_by_text("Hint 1 of 3", exact=True).wait_for()
    assert page.get_by_text("Hint 2 of 3", exact=True).count() == 0
    page.get_by_role("button", name="Another hint (2 of 3)").click()
    page.get_by_text("Hint 2 of 3", exact=True).wait_for()
    page.get_by_role("button", name="Solution").click()
    page.get_by_text("1 hint is still closed").wait_for()
    assert page.get_by_text("F.layer_norm").count() == 0, "asked first, shown later"
    page.get_by_role("button", name="Open the solution").click()
    page.locator("[data-testid=stExpander]", has_text="Solution").locator("pre").wait_for()
    page.reload()
    page.locator("[data-testid=stExpander]", has_text="Solution").locator("pre").wait_for()
    page.get_by_text("Hint 2 of 3", exact=True).wait_for()


def test_an_earlier_attempt_comes_back_and_the_stub_too(own_site, visit):
    page = open_page(visit(), own_site.url + EXERCISE)
    stub = editor_text(page)
    write(page, OVER_QUERIES)
    check(page)
    page.locator(".st-key-verdict-failed").wait_for()
    write(page, "something else\n")
    saved(page)
    page.get_by_role("button", name="Attempts (1)").click()
    page.get_by_role("button", name="Put this one into the editor").click()
    page.locator(".cm-content", has_text="softmax(dim=-2)").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Put the stub back").click()
    page.locator(".cm-content", has_text="raise NotImplementedError").wait_for()
    assert editor_text(page).strip() == stub.strip()
    assert "einsum" not in (own_site.draft() or "")


def test_html_from_a_learner_stays_in_its_frame(own_site, visit):
    """The demo calls show.attention; this learner's module replaces it with a page that attacks."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        host = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        attack = (
            f"<p>made by a learner</p><img src='{host}/leak.png'>"
            "<script>try { parent.document.title = 'taken' } catch (e) {}"
            f" try {{ top.location = '{host}/' }} catch (e) {{}}"
            " try { localStorage.setItem('x', 'y') } catch (e) {}"
            f" fetch('{host}/leak').catch(() => {{}})</script>"
        )
        page = open_page(visit(), own_site.url + EXERCISE)
        write(page, RIGHT + f"\nfrom dojo import show\nshow.attention = lambda *a, **k: show.Html({attack!r}, '')\n")
        check(page)
        page.locator(".st-key-verdict-passed").wait_for()
        page.get_by_role("button", name="Show it now").click()
        frame = page.frame_locator("iframe[title='A picture made by your code']")
        frame.get_by_text("made by a learner").wait_for()
        page.wait_for_timeout(1500)
        assert page.title() != "taken" and page.url.startswith(own_site.url)
        assert page.evaluate("localStorage.getItem('x')") is None
        with pytest.raises(BlockingIOError):
            elsewhere.accept()  # nobody connected
