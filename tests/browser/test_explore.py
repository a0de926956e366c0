"""The explore pages: the slider moves curves and patterns; a cell of the patching map tells its facts; features are browsed."""

from __future__ import annotations

import json

import pytest
from driving import CONTRAST, open_page, settled

from dojo.course import load_course
from dojo.models import sae_path

CHAPTERS = {chapter.id for chapter in load_course().chapters}
PHASE, PATCHING, FEATURES = "/phase-change", "/patching", "/features"

pytestmark = pytest.mark.browser
CHAPTER_OF = {PHASE: "induction_heads", PATCHING: "activation_patching", FEATURES: "sparse_autoencoders"}
TITLES = {PHASE: "The phase change", PATCHING: "Patching", FEATURES: "Features"}
READY = ".js-plotly-plot .slider-label, .map [data-cell], .example"


def of(address: str):
    """A test, or one case of it, for a page that is there with its chapter only."""
    return pytest.mark.skipif(CHAPTER_OF[address] not in CHAPTERS, reason=f"there is no chapter {CHAPTER_OF[address]}")


ALL = [pytest.param(address, marks=of(address)) for address in CHAPTER_OF]
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


@pytest.mark.parametrize("address", ALL)
def test_a_chapter_leads_to_its_page(site, visit, address):
    page = open_page(visit(), f"{site.url}/chapter?chapter={CHAPTER_OF[address]}", ready="[data-testid=stMain] h1")
    page.locator("[data-testid=stMain]").get_by_role("link", name=TITLES[address], exact=True).click()
    page.locator(READY).first.wait_for()
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


@pytest.mark.parametrize("address", ALL)
def test_phones_scroll_down_only_and_need_no_fine_taps(site, visit, address):
    page = open_page(visit(width=390), site.url + address, ready=READY)
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
@pytest.mark.parametrize("address", ALL)
def test_all_text_can_be_read(site, visit, address, scheme):
    page = open_page(visit(scheme=scheme), site.url + address, ready=READY)
    settled(page)
    assert page.evaluate(CONTRAST) == []


@of(FEATURES)
def test_latents_are_found_by_number_by_token_and_by_their_neighbours(site, visit):
    page = open_page(visit(), f"{site.url}{FEATURES}?feature=405", ready=".example")
    page.get_by_role("heading", name="Latent 405").wait_for()
    strongest = page.locator(".example").first.inner_text()
    assert page.locator(".example .here").first.inner_text().strip() in ("two", "three")
    page.get_by_text("Across its range", exact=True).click()
    settled(page)
    assert page.locator(".example").first.inner_text() == strongest, "from the strongest"
    assert page.locator(".example").count() == 12
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Latent 406").wait_for()
    assert "feature=406" in page.url
    page.get_by_label("Search by token").fill("king")
    page.keyboard.press("Enter")
    page.locator(".st-key-features-found button").first.click()
    page.locator(".example .here", has_text="king").first.wait_for()
    here = page.url
    page.locator(".st-key-features-neighbours button").first.click()
    page.wait_for_function("before => location.href !== before", arg=here)
    page.get_by_label("Search by token").fill("zzzz")
    page.keyboard.press("Enter")
    page.get_by_text("No token of these texts reads 'zzzz'").wait_for()


@of(FEATURES)
def test_a_learners_own_autoencoder_is_opened(site, visit, tmp_path):
    folder = sae_path("small-lm-sae")
    cfg = json.loads((folder / "cfg.json").read_text())
    (tmp_path / "cfg.json").write_text(json.dumps(cfg | {"k": 3}))
    page = open_page(visit(), site.url + FEATURES, ready=".example")
    page.get_by_text("Your own", exact=True).click()
    chooser = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    chooser.set_input_files(str(tmp_path / "cfg.json"))
    page.get_by_text("Choose sae_weights.safetensors, too.").wait_for()
    chooser.set_input_files(str(folder / "sae_weights.safetensors"))
    page.get_by_text("3.0 latents active a token").wait_for()
    page.locator(".example").first.wait_for()


@of(FEATURES)
def test_what_is_no_autoencoder_is_told(site, visit, tmp_path):
    (tmp_path / "cfg.json").write_text("{}")
    (tmp_path / "sae_weights.safetensors").write_text("nothing")
    page = open_page(visit(), site.url + FEATURES, ready=".example")
    page.get_by_text("Your own", exact=True).click()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(
        [str(tmp_path / "cfg.json"), str(tmp_path / "sae_weights.safetensors")]
    )
    page.get_by_text("These are not files that SAELens could have written").wait_for()
