"""Phone width, the dark theme, and that nothing comes from anywhere else."""

from __future__ import annotations

import pytest
from driving import CHAPTER, CONTRAST, EXERCISE, open_page, settled, write

pytestmark = pytest.mark.browser

PAGES = ["/", CHAPTER, EXERCISE, f"{CHAPTER}&exercise=Attention", f"{CHAPTER}&exercise=end", "/glossary"]

UNBIASED = """class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        x = x - x.mean(-1, keepdim=True)
        return x / (x.var(-1, keepdim=True) + self.eps).sqrt() * self.weight + self.bias
"""


@pytest.mark.parametrize("address", PAGES)
def test_nothing_scrolls_sideways_on_a_phone(site, visit, address):
    page = open_page(
        visit(width=390), site.url + address, ready="[data-testid=stMain] [data-testid=stMarkdownContainer]"
    )
    page.wait_for_timeout(1500)
    for box in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{box}.scrollWidth - {box}.clientWidth") <= 0


def test_a_verdict_and_a_picture_fit_a_phone(site, visit):
    page = open_page(visit(width=390), site.url + f"{CHAPTER}&exercise=LayerNorm")
    write(page, UNBIASED)
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".st-key-verdict-failed").wait_for()
    page.wait_for_timeout(1000)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(site, visit, scheme):
    context = visit(scheme=scheme)
    page = open_page(context, site.url + EXERCISE)
    write(page, "def attention_pattern(q, k):\n    # a comment\n    return f'{q.shape}', 12, None")
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".st-key-verdict-failed").wait_for()
    settled(page)
    assert page.evaluate(CONTRAST) == []
    for address in ("/", CHAPTER, "/glossary"):
        page.goto(site.url + address)
        page.locator("[data-testid=stMain] [data-testid=stMarkdownContainer]").first.wait_for()
        settled(page)
        assert page.evaluate(CONTRAST) == [], address


def test_every_page_asks_only_this_host(site, visit):
    """The `visit` fixture fails the test where any request went elsewhere; here all pages are opened once, both ways."""
    context = visit()
    page = context.new_page()
    for address in PAGES:
        page.goto(site.url + address)
        page.locator("[data-testid=stMain] [data-testid=stMarkdownContainer]").first.wait_for()
        page.wait_for_timeout(700)
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Map of the course").click()
    page.get_by_text("exercises passed").first.wait_for()
    assert any("editor.js" in url for url in visit.asked)
    assert any(".woff2" in url for url in visit.asked), "fonts come from this host"
