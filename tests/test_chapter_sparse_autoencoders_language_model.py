"""Chapter 5, section 5: its pictures show what the prose says, and its references agree with other ways of computing."""

import re

import pytest
import torch
import torch.nn.functional as F

from dojo.course.load import load_course
from dojo.models import load_model, load_tokenizer
from solutions import sparse_autoencoders as reference
from tests.demos import bars, curves, matrix, run_demo, title

SITE = "blocks.3.hook_resid_pre"


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def test_densities(show_demo):
    histogram, split = show_demo("feature_density-demo")
    (at, trained), (_, untrained) = (
        (torch.tensor(x), torch.tensor(y, dtype=torch.float)) for x, y in curves(histogram).values()
    )
    assert trained.sum() == untrained.sum() == 1024

    def spread(counts):
        middle = (at * counts).sum() / counts.sum()
        return ((at - middle).pow(2) * counts).sum().div(counts.sum()).sqrt()

    assert spread(trained) > 1.3 * spread(untrained), "training spreads densities out"
    assert trained[at < -4].sum() < 10, "hardly anything is dead, and there is no second hump"
    every, bible, austen, shakespeare = matrix(split)
    assert every.min() == 1, "one latent for every ' of'"
    assert bible[1] > 0.95 and austen[0] > 0.95 and shakespeare[2] > 0.95, "and three for the voices"
    assert max(bible[0], austen[1], shakespeare[0], shakespeare[1]) < 0.5


def test_strongest_examples(show_demo):
    of, modals, possessives, dialogue, figure = show_demo("top_activating_examples-demo")

    def strongest(markup):
        """The token of highest activation in each line."""
        spans = re.findall(r'title="activation ([\d.e+-]+)"[^>]*>([^<]*)<', markup)
        lines, line = [], []
        for value, word in spans:
            if "↵" in word and float(value) == 0:
                lines, line = [*lines, line], []
            else:
                line.append((float(value), word.strip()))
        return [max(line)[1] for line in lines]

    assert set(strongest(of)) == {"of"} and len(strongest(of)) == 5
    assert set(strongest(modals)) <= {"will", "shall", "may", "would", "could", "must", "should"}
    assert {word.lower() for word in strongest(possessives)} <= {"thy", "his", "your", "her", "my"}
    assert len(set(strongest(dialogue))) >= 4, "nothing in the word itself gives it away"
    (_, trained), (_, untrained) = (curve for curve in curves(figure).values())
    assert trained[512] == pytest.approx(0.5, abs=0.03), "half of the latents, half of the activation"
    assert untrained[512] == pytest.approx(0.27, abs=0.03), "random weights do some of that too"


def test_what_latents_vote_for(show_demo):
    of, possessives, dialogue, crumbs = ([*bars(figure)[""]] for figure in show_demo("feature_logits-demo"))
    assert of[0] == " course" and {" life", " France"} <= set(of[:8])
    assert {" father", " mother", " eyes"} <= set(possessives[:8])
    assert dialogue[0] == ',"' and sum('"' in token for token in dialogue[:8]) >= 4
    assert crumbs[:4] == ["z", " Aha", " Ass", "ess"], "latent 26 votes for nothing that one could name"


def test_steering(show_demo, capsys):
    dose, harm = show_demo("steer_with_feature-demo")
    printed = capsys.readouterr().out
    latent, own, others = (dict(zip(x, y, strict=True)) for x, y in curves(dose).values())
    assert latent[10] / latent[0] == pytest.approx(4, abs=0.4) and latent[30] / latent[0] > 35
    assert own[30] / own[0] == pytest.approx(5, abs=0.5), "a random direction raises its own favourites"
    assert max(others.values()) < 1.5 * others[0], "and leaves the latent's alone"
    with_latent, with_random = (dict(zip(x, y, strict=True)) for x, y in curves(harm).values())
    assert with_latent[10] - with_latent[0] == pytest.approx(0.17, abs=0.01)
    assert with_latent[30] - with_latent[0] == pytest.approx(1.8, abs=0.05)
    assert with_random[30] - with_random[0] == pytest.approx(0.9, abs=0.1), "half of the latent's"
    assert " father  mother" in printed and printed.split("α = 30:")[1].count("father") > 3


def test_how_strong_latent_259_is():
    """The numbers that the prose gives for a natural dose."""
    sae, site = reference.load_sae("small-lm-sae")
    tokens = torch.cat([reference.text_windows(f"{v}-held-out", 20) for v in ("austen", "bible", "shakespeare")])
    f = sae.encode(reference.collect_activations(load_model("small-lm"), tokens, site))[..., 259]
    assert site == SITE and f[f > 0].mean().item() == pytest.approx(12, abs=0.5) and 22 < f.max() < 25.5


@pytest.mark.slow
def test_training_live(show_demo):
    training, figure = show_demo("loss_recovered-demo")
    progress = {name: y for name, (_, y) in curves(training).items()}
    assert progress["variance explained"][0] < 0.65 < 0.89 < progress["variance explained"][-1]
    assert set(progress["L0 / 16"]) == {1.0} and max(progress["dead fraction"]) < 0.01, "two curves are flat"
    scores = bars(figure)
    mean, zero = scores["loss recovered (mean)"], scores["loss recovered (zero)"]
    assert scores["variance explained"]["random decoder"] == pytest.approx(0.5, abs=0.02)
    assert zero["random decoder"] == pytest.approx(0.945, abs=0.01), "cheap"
    assert mean["random decoder"] == pytest.approx(0.72, abs=0.02)
    assert mean["yours"] == pytest.approx(0.94, abs=0.015) and zero["yours"] > 0.98
    assert mean["small-lm-sae"] > mean["yours"]


def test_larger_models_section_without_a_network(show_demo):
    figure, *examples = show_demo("loss_recovered-demo-2")
    assert "small-lm, blocks.3.hook_resid_pre: L0 16 of 1,024 latents" in title(figure) and len(examples) == 3


@pytest.mark.slow
@pytest.mark.tools
def test_larger_models_section_on_random_weights(show_demo, tmp_path):
    """The last demo on a model of GPT-2's kind and an autoencoder that SAELens itself has written."""
    pytest.importorskip("sae_lens")
    from sae_lens import StandardSAE, StandardSAEConfig
    from sae_lens.saes.sae import SAEMetadata
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.test_big_models import small_tokenizer

    torch.manual_seed(0)
    model, folder = tmp_path / "gpt2-shaped", tmp_path / "sae"
    GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=4, n_embd=32, n_positions=64)).save_pretrained(model)
    small_tokenizer(model)
    metadata = SAEMetadata(model_name="gpt2-shaped", hook_name="blocks.1.hook_resid_pre")
    sae = StandardSAE(StandardSAEConfig(d_in=32, d_sae=300, metadata=metadata))
    with torch.no_grad():
        sae.b_enc -= 0.1
    sae.save_model(folder)
    figure, *examples = show_demo("loss_recovered-demo-2", BIG_MODEL=str(model), BIG_SAE=str(folder))
    assert "blocks.1.hook_resid_pre" in title(figure) and "of 300 latents" in title(figure)
    assert torch.tensor([*bars(figure)[""].values()]).isfinite().all() and examples


# --- the references against other ways of computing ---


def test_zero_ablation_is_harsher_than_guessing():
    """The numbers behind the prediction: clean 3.7, mean ablation about 8, zero ablation about 24, guessing 8.3."""
    model, tokens = load_model("small-lm"), reference.text_windows("austen-held-out", 8)
    losses = {}
    for name in ("clean", "mean", "zero"):
        stream = reference.collect_activations(model, tokens, SITE)
        stream = {"clean": stream, "mean": stream * 0 + stream.mean(dim=(0, 1)), "zero": stream * 0}[name]
        with torch.no_grad():
            logits = model.ln_final(model.blocks[3](stream)) @ model.W_U
        losses[name] = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).item()
    assert losses["zero"] == pytest.approx(24, abs=0.5) and losses["mean"] == pytest.approx(7.8, abs=0.3)
    sae, _ = reference.load_sae("small-lm-sae")
    clean, mean, zero = losses.values()
    for kind, ablated in (("mean", mean), ("zero", zero)):
        recovered = reference.loss_recovered(model, tokens, SITE, sae, kind)
        with torch.no_grad():
            logits = (
                model.ln_final(model.blocks[3](sae(reference.collect_activations(model, tokens, SITE)))) @ model.W_U
            )
        cost = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).item()
        assert recovered == pytest.approx((ablated - cost) / (ablated - clean), abs=1e-3)


def test_by_hand_numbers_of_the_prose():
    class Reads(torch.nn.Module):
        W_U = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])

        def __init__(self):
            super().__init__()
            self.ln_final = torch.nn.LayerNorm(2)
            self.ln_final.weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))

    logits = reference.feature_logits(Reads(), torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(logits, torch.tensor([4 / 3, -5 / 3, 1 / 3]))
    rows = torch.tensor([[0, 1.5, 0], [7, 0, 9.0], [0, 0, 0]])
    assert reference.top_activating_examples(rows, 3) == [(1, 2, 9.0), (0, 1, 1.5)]
    f = torch.tensor([[0, 2.0], [0, 0.5], [3, 1.0], [0, 4.0]])
    assert reference.feature_density(f).tolist() == [0.25, 1.0]


def test_a_large_step_along_a_direction_adds_its_logits():
    """At the end of the model, steering moves the logits by what `feature_logits` says, over LayerNorm's divisor."""
    model, tokens = load_model("small-lm"), reference.text_windows("bible-held-out", 1)[:, :20]
    direction = F.normalize(torch.randn(128, generator=torch.Generator().manual_seed(0)), dim=0)
    site = "blocks.3.hook_resid_post"
    with torch.no_grad():
        clean, steered = model(tokens), reference.steer_with_feature(model, tokens, site, direction, 1e-2)
        scale = reference.collect_activations(model, tokens, site).std(dim=-1, correction=0)
        moved = (steered - clean) / 1e-2 * scale[..., None]
        moved = moved - moved.mean(dim=-1, keepdim=True)
        expected = reference.feature_logits(model, direction)
    assert F.cosine_similarity(moved[0], expected.expand_as(moved[0]), dim=-1).min() > 0.9


def test_load_sae_agrees_with_saelens():
    sae_lens = pytest.importorskip("sae_lens")
    from dojo.models import sae_path

    ours, site = reference.load_sae("small-lm-sae")
    theirs = sae_lens.SAE.load_from_disk(sae_path("small-lm-sae"))
    x = reference.collect_activations(load_model("small-lm"), reference.text_windows("austen-held-out", 1), site)
    torch.testing.assert_close(ours.encode(x), theirs.encode(x), atol=1e-4, rtol=1e-4)
    assert load_tokenizer("small-lm").end == 0 and theirs.cfg.metadata.hook_name == site
