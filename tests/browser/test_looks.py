"""Phone width, the dark theme, and that nothing comes from anywhere else."""

from __future__ import annotations

import pytest
from driving import CHAPTER, EXERCISE, open_page, settled, write

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

# The contrast (WCAG 2) of each visible piece of text with what is painted behind it.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => { const f = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const parent = (node) => node.parentElement ?? node.getRootNode().host;
  const ground = (node) => { const layers = [];
    for (let n = node; n; n = parent(n)) layers.push(rgba(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const poor = [];
  const look = (root) => { for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) look(node.shadowRoot);
    const text = [...node.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!text || box.width < 2 || box.height < 2 || style.visibility === "hidden") continue;
    if (node.closest("details:not([open])") && !node.closest("summary")) continue;
    if (node.closest("svg, .katex, iframe, [disabled]") || style.clip !== "auto" || style.clipPath !== "none") continue;
    const back = ground(node); let fore = rgba(style.color);
    for (let n = node; n; n = parent(n)) fore[3] *= Number(getComputedStyle(n).opacity);
    if (fore[3] < 0.05) continue;
    const [a, b] = [light(over(fore, back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 3.9) poor.push([ratio.toFixed(2), node.tagName, node.className?.toString().slice(0, 40), text.slice(0, 40)]);
  } };
  look(document);
  return poor;
}"""


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
    page.get_by_text("exercises passed").wait_for()
    assert any("editor.js" in url for url in visit.asked)
    assert any(".woff2" in url for url in visit.asked), "fonts come from this host"
