"""The shipped models in transformers, TransformerLens and nnsight; the chapters' functions and TransformerLens's own.

TransformerLens, nnsight and SAELens take seconds to import: only when a test runs, and all tests in one process.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from dojo.models import load_model, model_path, shipped_models
from dojo.transformer import run_with_cache

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("transformer-lens", "sae-lens", "nnsight", "wandb")
MISSING = [tool for tool in TOOLS if importlib.util.find_spec(tool.replace("-", "_")) is None]

pytestmark = [
    pytest.mark.tools,
    pytest.mark.xdist_group("tools"),
    pytest.mark.skipif(bool(MISSING), reason=f"`make tools` installs what is missing here: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

each_model = pytest.mark.parametrize("name", shipped_models())
each_deep_model = pytest.mark.parametrize("name", [name for name in shipped_models() if name != "induction-1-layer"])


@functools.cache
def ours(name: str) -> torch.nn.Module:
    return load_model(name).requires_grad_(False)


@functools.cache
def bridge(name: str):
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(str(model_path(name)), device="cpu")


@functools.cache
def folded(name: str):
    """With the weights of the LayerNorms folded into what reads them, as TransformerLens's attributions suppose."""
    from transformer_lens.model_bridge import TransformerBridge

    model = TransformerBridge.boot_transformers(str(model_path(name)), device="cpu")
    model.enable_compatibility_mode()
    return model


@functools.cache
def some_tokens(name: str, n_rows: int = 3, n_pos: int = 21) -> torch.Tensor:
    """int64 [batch, pos]: <|endoftext|>, then random tokens, the second half of which repeats some of the first."""
    config = ours(name).config
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, config.d_vocab, (n_rows, min(n_pos, config.n_ctx)), generator=generator)
    tokens[:, 0] = 0
    tokens[:, 12:] = tokens[:, 3 : 3 + tokens[:, 12:].shape[1]]
    return tokens


@functools.cache
def run(name: str) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    return run_with_cache(ours(name), some_tokens(name))


@functools.cache
def theirs(name: str):
    """TransformerLens's logits and cache."""
    with torch.no_grad():
        return bridge(name).run_with_cache(some_tokens(name))


def assert_same(actual: torch.Tensor, expected: torch.Tensor, what: str = "logits") -> None:
    """To 1e-4, of the largest value where that is over 1: weights that a program set give logits in the hundreds."""
    assert actual.shape == expected.shape, what
    difference, size = (actual - expected).abs().max().item(), expected.abs().max().item()
    assert difference <= 1e-4 * max(1.0, size), f"{what}: {difference} in {size}"


@pytest.mark.parametrize("tool", TOOLS)
def test_the_installed_tools_are_the_tested_ones(tool):
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    assert importlib.metadata.version(tool) == pins[tool]


def test_sae_lens_goes_with_this_transformer_lens():
    import sae_lens

    assert sae_lens.HookedSAETransformer


@each_model
def test_transformers(name):
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(model_path(name), local_files_only=True).eval()
    with torch.no_grad():
        assert_same(model(some_tokens(name)).logits, run(name)[0])


@each_model
def test_transformer_lens_logits_and_every_activation(name):
    (logits, cache), (our_logits, our_cache) = theirs(name), run(name)
    assert_same(logits, our_logits)
    for hook, value in our_cache.items():
        # The bridge's own hook_normalized comes before the LayerNorm's weight and bias, HookedTransformer's after them.
        assert_same(cache[hook.replace("hook_normalized", "hook_out")], value, hook)


@each_model
def test_nnsight_logits_and_activations(name):
    from nnsight import TransformersModel

    model = TransformersModel(str(model_path(name)), task="text-generation", device_map="cpu", dispatch=True)
    with torch.no_grad(), model.trace({"input_ids": some_tokens(name)}):
        z = model.transformer.h[0].attn.c_proj.input.save()
        resid_post = model.transformer.h[0].output.save()
        logits = model.lm_head.output.save()
    our_logits, cache = run(name)
    assert_same(logits, our_logits)
    assert_same(resid_post, cache["blocks.0.hook_resid_post"], "resid_post")
    assert_same(z, cache["blocks.0.attn.hook_z"].flatten(2), "z")


@pytest.fixture(scope="module")
def induction_heads():
    return reference("induction_heads")


def reference(chapter: str):
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module(f"solutions.{chapter}")
    finally:
        sys.path.remove(str(ROOT))


@each_deep_model
@pytest.mark.parametrize("kind", ["Q", "K", "V"])
def test_composition_scores(name, kind, induction_heads):
    theirs = bridge(name).all_composition_scores(kind).scores  # [earlier layer, head, later layer, head]
    for later in range(1, len(ours(name).blocks)):
        for earlier in range(later):
            scores = induction_heads.compositions(ours(name), kind, earlier, later)
            torch.testing.assert_close(scores, theirs[earlier, :, later], atol=1e-5, rtol=1e-4)


@each_model
def test_circuits_and_copying_scores(name, induction_heads):
    from transformer_lens import FactoredMatrix

    model, layer, head = ours(name), len(ours(name).blocks) - 1, 2
    attn = model.blocks[layer].attn
    theirs = FactoredMatrix(model.W_E @ attn.W_V[head], attn.W_O[head] @ model.W_U)
    circuit = induction_heads.ov_circuit(model, layer, head)
    assert_same(circuit.full(), theirs.AB, "OV circuit")
    copying = (theirs.eigenvalues.sum() / theirs.eigenvalues.abs().sum()).real.item()
    assert induction_heads.copying_score(circuit) == pytest.approx(copying, abs=1e-3, nan_ok=True)
    theirs = FactoredMatrix(model.W_E @ attn.W_Q[head], (model.W_E @ attn.W_K[head]).T)
    assert_same(induction_heads.qk_circuit(model, layer, head).full(), theirs.AB, "QK circuit")


@each_model
def test_head_scores(name, induction_heads):
    """TransformerLens counts attention from every query; our scores count the queries that have somewhere to look."""
    from transformer_lens import head_detector

    tokens = some_tokens(name)
    copies = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).any(-1)  # [batch, query]
    for layer in range(len(ours(name).blocks)):
        patterns = run(name)[1][f"blocks.{layer}.attn.hook_pattern"]

        def share(kind, patterns=patterns):
            """[batch, head]: how much of a head's attention goes where such a head would look."""
            return torch.tensor(
                [
                    [
                        head_detector.compute_head_attention_similarity_score(
                            head,
                            detection_pattern=getattr(head_detector, f"get_{kind}_head_detection_pattern")(row[None]),
                            exclude_bos=False,
                            exclude_current_token=False,
                            error_measure="mul",
                        )
                        for head in pattern
                    ]
                    for row, pattern in zip(tokens, patterns, strict=True)
                ]
            )

        n_pos = tokens.shape[1]
        of_all = tokens.numel() / copies.sum()
        expected = share("previous_token").mean(0) * n_pos / (n_pos - 1)
        assert_same(induction_heads.previous_token_score(patterns), expected, "previous_token_score")
        expected = share("duplicate_token").mean(0) * of_all
        assert_same(induction_heads.duplicate_token_score(patterns, tokens), expected, "duplicate_token_score")
        expected = share("induction").mean(0) * of_all
        assert_same(induction_heads.induction_score(patterns, tokens), expected, "induction_score")


@each_model
@pytest.mark.parametrize("mode", ["zero", "mean", "resample"])
def test_ablations(name, mode, induction_heads):
    """The same ablations by TransformerLens's hooks."""
    heads, tokens, model = [(0, 1), (0, 3), (len(ours(name).blocks) - 1, 2)], some_tokens(name), bridge(name)
    clean_logits, cache = theirs(name)

    def ablate(z, hook, layer):  # hook.name is the bridge's own: blocks.0.attn.o.hook_in
        clean = cache[f"blocks.{layer}.attn.hook_z"]
        new = {"zero": torch.zeros_like(clean), "mean": clean.mean(0).expand_as(clean), "resample": clean.roll(1, 0)}[
            mode
        ]
        chosen = [head for where, head in heads if where == layer]
        z = z.clone()
        z[:, :, chosen] = new[:, :, chosen]
        return z

    layers = {layer for layer, _ in heads}
    hooks = [(f"blocks.{layer}.attn.hook_z", functools.partial(ablate, layer=layer)) for layer in layers]
    with torch.no_grad():
        logits = model.run_with_hooks(tokens, fwd_hooks=hooks)

    def loss(logits):
        """On the second half of the predictions."""
        losses = model.loss_fn(logits, tokens, per_token=True)
        return losses[:, losses.shape[1] // 2 :].mean()

    actual = induction_heads.ablate_heads(ours(name), tokens, heads, mode)
    assert_same(torch.tensor(actual), loss(logits) - loss(clean_logits), "rise of the loss")
