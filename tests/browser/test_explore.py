"""The explore pages: the slider moves curves and patterns; a cell of the patching map tells its facts."""

from __future__ import annotations

import pytest
from driving import CONTRAST, open_page, settled

from dojo.course import load_course

CHAPTERS = {chapter.id for chapter in load_course().chapters}
PHASE, PATCHING = "/phase-change", "/patching"

pytestmark = pytest.mark.browser
CHAPTER_OF = {PHASE: "induction_heads", PATCHING: "activation_patching"}
TITLES = {PHASE: "The phase change", PATCHING: "Patching"}


def of(address: str):
    """A test, or one case of it, for a page that is there with its chapter only."""
    return pytest.mark.skipif(CHAPTER_OF[address] not in CHAPTERS, reason=f"there is no chapter {CHAPTER_OF[address]}")


BOTH = [pytest.param(address, marks=of(address)) for address in CHAPTER_OF]
SIDEWAYS = (
    "(() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth; })()"
)
PICTURE = """() => { const plot = document.querySelector('[data-testid=stMain] .js-plotly-plot');
  return { step: plot.querySelector('.slider-label').textContent, line: plot.layout.shapes[0].x0,
           maps: [...plot.querySelectorAll('image')].map((image) => image.getAttribute('href') ?? image.href.baseVal) }; }"""


def picture(page):
    page.locator(".js-plotly-plot .slider-label").first.wait_for()
    settled(page)
    return page.evaluate(PICTURE)


def facts(page) -> str:
    settled(page)
    return page.locator(".st-key-patching-facts").inner_text()


@of(PHASE)
def test_the_slider_moves_the_line_and_the_patterns(site, visit):
    page = open_page(visit(), site.url, ready="text=Begin here")
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="The phase change").click()
    before = picture(page)
    page.get_by_text("rises fastest at step").wait_for()
    rail = page.locator(".js-plotly-plot .slider-rail-touch-rect")
    rail.click(position={"x": 2, "y": 5}, force=True)
    page.locator(".slider-label", has_text="step 0").first.wait_for()
    at_start = picture(page)
    assert at_start["step"] == "step 0" and at_start["line"] == 0
    assert len(at_start["maps"]) == 8 and all(a != b for a, b in zip(at_start["maps"], before["maps"], strict=True))
    page.locator(".updatemenu-button", has_text="play").click()
    page.wait_for_function("document.querySelector('.slider-label').textContent !== 'step 0'")  # it goes on by itself


@pytest.mark.parametrize("address", BOTH)
def test_a_chapter_leads_to_its_page(site, visit, address):
    page = open_page(visit(), f"{site.url}/chapter?chapter={CHAPTER_OF[address]}", ready="[data-testid=stMain] h1")
    page.locator("[data-testid=stMain]").get_by_role("link", name=TITLES[address]).click()
    page.locator(".js-plotly-plot .slider-label, .map [data-cell]").first.wait_for()
    assert address in page.url


@of(PHASE)
def test_one_layer_has_no_phase_change(site, visit):
    page = open_page(visit(), site.url + PHASE, ready=".js-plotly-plot .slider-label")
    page.get_by_text("One layer", exact=True).click()
    page.get_by_text("there is no phase change").wait_for()
    assert len(picture(page)["maps"]) == 4
    page.get_by_text("The numbers of every checkpoint").click()
    page.locator("[data-testid=stDataFrame]").wait_for()


@of(PATCHING)
def test_a_cell_tells_what_was_patched_and_what_it_did(site, visit):
    page = open_page(visit(), site.url + PATCHING, ready=".map [data-cell]")
    settled(page)
    page.locator("[data-cell='0,11']").click()
    page.get_by_text("blocks.0.hook_resid_pre[:, 11]").wait_for()
    told = facts(page)
    assert "Normalised effect 1.00" in told, "the token that differs, at the embedding, restores everything"
    assert "Mary" in told.split("with the patch")[1]
    page.locator("[data-cell='0,3']").click()
    page.get_by_text("blocks.0.hook_resid_pre[:, 3]").wait_for()
    assert "Normalised effect 0.00" in facts(page), "a token that is the same restores nothing"

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("blocks.0.hook_resid_pre[:, 4]").wait_for()
    assert page.locator("[aria-selected=true]").get_attribute("data-cell") == "0,4"

    page.get_by_text("Heads", exact=True).click()
    settled(page)
    page.locator("[data-cell='2,3']").click()
    page.get_by_text("blocks.2.attn.hook_z[:, :, 3]").wait_for()
    page.locator(".st-key-patching-facts .js-plotly-plot .heatmaplayer image").first.wait_for()
    page.get_by_text("noising", exact=True).click()
    page.get_by_text("In the clean run of").wait_for()


@of(PATCHING)
def test_every_model_order_and_name_can_be_chosen(site, visit):
    page = open_page(visit(), site.url + PATCHING, ready=".map [data-cell]")
    for model in ("ioi-b", "known-circuit"):
        page.get_by_text(model, exact=True).click()
        page.get_by_text(f"run of {model}").wait_for()
    page.get_by_text("BABA", exact=True).click()
    prompt = page.locator(".prompt").first
    prompt.filter(has_text="John and Mary").wait_for()
    page.get_by_role("combobox", name="Named once").click()
    page.get_by_role("option", name="Anna", exact=True).click()
    prompt.filter(has_text="John and Anna").wait_for()
    page.get_by_role("combobox", name="Named twice").click()
    page.get_by_role("option", name="Anna", exact=True).click()
    page.get_by_text("choose two different names").wait_for()


@pytest.mark.parametrize("address", BOTH)
def test_phones_scroll_down_only_and_need_no_fine_taps(site, visit, address):
    page = open_page(visit(width=390), site.url + address, ready=".js-plotly-plot .slider-label, .map [data-cell]")
    settled(page)
    assert page.evaluate(SIDEWAYS) <= 0
    if address == PATCHING:
        page.get_by_role("combobox", name="Position").tap()
        page.get_by_role("option", name="11: Mary").tap()
        page.get_by_text("[:, 11]").wait_for()
        page.locator("[data-cell='0,3']").tap()
        page.get_by_text("blocks.0.hook_resid_pre[:, 3]").wait_for()
        page.get_by_text("Heads", exact=True).tap()
        page.locator(".st-key-patching-facts .js-plotly-plot").wait_for()
        settled(page)
        assert page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", BOTH)
def test_all_text_can_be_read(site, visit, address, scheme):
    page = open_page(visit(scheme=scheme), site.url + address, ready=".js-plotly-plot .slider-label, .map [data-cell]")
    settled(page)
    assert page.evaluate(CONTRAST) == []
