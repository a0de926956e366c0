"""The feature browser's numbers, against activations worked out at once, and what it says of files that it cannot open."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from dojo.explore import features, histogram_figure
from dojo.models import load_model, load_tokenizer, sae_path
from dojo.transformer import run_with_cache


@pytest.fixture(scope="module")
def browser():
    return features.open_shipped()


@pytest.fixture(scope="module")
def dense(browser):
    """float [row, pos, latent], by the formula: the sixteen largest, through ReLU."""
    w = load_file(sae_path(features.SHIPPED) / "sae_weights.safetensors")
    with torch.no_grad():
        x = run_with_cache(load_model("small-lm"), browser.tokens, [browser.site])[1][browser.site]
        pre = (x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    kth = pre.sort(dim=-1, descending=True).values[..., 15:16]
    return torch.where(pre >= kth, pre, 0).clamp(min=0)


@pytest.fixture
def files():
    folder = sae_path(features.SHIPPED)
    cfg = json.loads((folder / "cfg.json").read_text())
    return cfg, load_file(folder / "sae_weights.safetensors")


def opened(cfg, weights, tmp_path):
    save_file(weights, tmp_path / "weights")
    return features.open_files(json.dumps(cfg).encode(), (tmp_path / "weights").read_bytes())


def test_the_activations_are_those_of_the_formula(browser, dense):
    for latent in (0, 7, browser.n_latents - 1):
        torch.testing.assert_close(browser.activation(latent), dense[..., latent], atol=1e-3, rtol=1e-3)
    assert browser.l0 == pytest.approx((dense > 0).sum(-1).float().mean().item(), abs=1e-3)
    assert browser.unused == pytest.approx((dense > 0).flatten(0, 1).any(0).logical_not().float().mean().item())
    with torch.no_grad():
        x = run_with_cache(load_model("small-lm"), browser.tokens, [browser.site])[1][browser.site].flatten(0, 1)
        error = (x - browser.sae(x)).pow(2).sum() / (x - x.mean(0)).pow(2).sum()
    assert browser.explained_variance == pytest.approx(1 - error.item(), abs=1e-4) and error < 0.1


def test_a_page(browser, dense):
    latent = int((dense > 0).flatten(0, 1).sum(0).argmax())
    page, own = browser.page(latent), dense[..., latent]
    assert page.density == pytest.approx((own > 0).float().mean().item())
    assert page.highest == pytest.approx(own.max().item(), abs=1e-3)
    best = page.strongest[0]
    assert best.values[best.position] == pytest.approx(page.highest) and len(best.words) == len(best.values)
    tops = [place.values[place.position] for place in page.strongest]
    assert tops == sorted(tops, reverse=True) and len(tops) == features.EXAMPLES
    spread = [place.values[place.position] for place in page.across]
    assert spread[0] == pytest.approx(page.highest) and spread[-1] == pytest.approx(own[own > 0].min().item(), abs=1e-3)
    assert sum(page.counts) == int((own > 0).sum()) and len(page.edges) == len(page.counts) + 1
    assert page.positive[0][1] > 0 > page.negative[0][1]
    assert latent not in dict(page.neighbours) and page.neighbours[0][1] >= page.neighbours[1][1]


def test_the_logits_are_those_of_adding_the_direction(browser):
    """With LayerNorm's scale held still, adding the direction moves the logits by what the page says, up to one factor."""
    model, page = load_model("small-lm"), browser.page(3)
    direction = browser.directions[3]
    with torch.no_grad():
        x = torch.randn(128) * 5
        push = 1e-3 * (direction - direction.mean())
        scale = (x.var(correction=0) + 1e-5).sqrt()
        moved = (push / scale * model.ln_final.weight) @ model.W_U
    moved = moved - moved.mean()
    assert load_tokenizer("small-lm").strings([int(moved.argmax())]) == [page.positive[0][0]]
    assert load_tokenizer("small-lm").strings([int(moved.argmin())]) == [page.negative[0][0]]


def test_search_by_token(browser, dense):
    times, found = browser.search("king")
    ids = [i for i, s in enumerate(load_tokenizer("small-lm").strings(range(4096))) if s.strip() == "king"]
    here = torch.isin(browser.tokens, torch.tensor(ids))
    assert times == int(here.sum()) > 5
    means = dense[here].mean(0)
    assert found[0][0] == int(means.argmax()) and found[0][1] == pytest.approx(means.max().item(), abs=1e-3)
    assert browser.search("zzzz") == (0, []) and browser.search("  ") == (0, [])


def test_a_learners_own(files, tmp_path):
    cfg, weights = files
    weights = {
        name: value[:, :40] if name == "W_enc" else value[:40] for name, value in weights.items() if name != "b_dec"
    }
    weights = {name: value.contiguous() for name, value in weights.items()}
    browser = opened(cfg | {"d_sae": 40, "k": 3}, weights | {"b_dec": files[1]["b_dec"]}, tmp_path)
    assert browser.n_latents == 40 and browser.l0 <= 3
    assert browser.page(39).neighbours


def test_what_cannot_be_opened_is_told(files, tmp_path, monkeypatch):
    cfg, weights = files
    elsewhere = cfg | {"metadata": cfg["metadata"] | {"hook_name": "blocks.77.hook_resid_pre"}}
    with pytest.raises(features.UnusableAutoencoder, match=r"hook_name is 'blocks\.77"):
        opened(elsewhere, weights, tmp_path)
    with pytest.raises(features.UnusableAutoencoder, match="not files that SAELens could have written"):
        features.open_files(b"{", b"")
    with pytest.raises(features.UnusableAutoencoder, match="not files that SAELens could have written"):
        features.open_files(json.dumps(cfg).encode(), b"not safetensors")
    wrong = {name: torch.zeros(8, 9) if name == "W_enc" else torch.zeros(9, 8) for name in ("W_enc", "W_dec")}
    with pytest.raises(features.UnusableAutoencoder, match="vectors of length 8"):
        opened(
            cfg | {"d_in": 8, "d_sae": 9, "k": 2}, wrong | {"b_enc": torch.zeros(9), "b_dec": torch.zeros(8)}, tmp_path
        )
    monkeypatch.setattr(features, "MAX_BYTES", 1000)
    with pytest.raises(features.UnusableAutoencoder, match="more than 0 MB"):
        opened(cfg, weights, tmp_path)


def test_the_histogram():
    figure = histogram_figure([5, 0, 1], [0.0, 1.0, 2.0, 3.0])
    assert list(figure.data[0].x) == [0.5, 1.5, 2.5] and list(figure.data[0].y) == [5, 0, 1]
    assert figure.layout.yaxis.type == "log"
