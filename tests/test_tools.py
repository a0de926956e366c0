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

from dojo.ioi import ioi_prompts
from dojo.models import load_model, load_tokenizer, model_path, shipped_models
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


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The models are tiny: more threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
    model.enable_compatibility_mode(center_writing_weights=False, center_unembed=False, fold_value_biases=False)
    return model


@functools.cache
def some_tokens(name: str) -> torch.Tensor:
    """int64 [batch, pos]: prompts, where that is what the model is for; else <|endoftext|> and random tokens that repeat."""
    if name in ("ioi-a", "ioi-b", "known-circuit"):
        return ioi_prompts(load_tokenizer(name), 3).tokens
    config = ours(name).config
    random = torch.randint(1, config.d_vocab, (3, 12), generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.zeros(3, 1, dtype=torch.long), random, random[:, 3:]], dim=1)[:, : config.n_ctx]


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


# Chapter 3. TransformerLens patches in loops, which take long: on a few models, with and without MLPs.

patched_model = pytest.mark.parametrize(
    "name", [name for name in shipped_models() if name in ("small-lm", "ioi-a", "known-circuit")]
)


@pytest.fixture(scope="module")
def activation_patching():
    return reference("activation_patching")


@functools.cache
def other_tokens(name: str) -> torch.Tensor:
    """The corrupted run: in each row two tokens are other ones."""
    tokens = some_tokens(name).clone()
    tokens[:, [4, 13]] = (tokens[:, [4, 13]] + 5) % ours(name).config.d_vocab
    return tokens


def right_and_wrong(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What the model thinks likely after the clean run, and after the corrupted one."""
    with torch.no_grad():
        return run(name)[0][:, -1].argmax(-1), ours(name)(other_tokens(name))[:, -1].topk(2).indices[:, 1]


def metric(name: str):
    """The mean logit difference, written without the chapter's function."""
    correct, wrong = right_and_wrong(name)
    rows = torch.arange(len(correct))
    return lambda logits: (logits[rows, -1, correct] - logits[rows, -1, wrong]).mean()


@each_model
def test_residual_stack(name, activation_patching):
    stack = activation_patching.residual_stack(ours(name), run(name)[1])
    parts = dict(zip(activation_patching.component_names(ours(name)), stack, strict=True))
    cache = theirs(name)[1]
    theirs_by_head, labels = cache.stack_head_results(return_labels=True)
    for label, value in zip(labels, theirs_by_head, strict=True):
        assert_same(parts["head " + label[1:].replace("H", ".")], value, label)
    for value, label in zip(*cache.decompose_resid(return_labels=True), strict=True):
        if label.endswith("attn_out"):
            layer = label.split("_")[0]
            ours_ = sum(part for key, part in parts.items() if key.startswith((f"head {layer}.", f"b_O {layer}")))
        else:
            ours_ = parts[f"MLP {label.split('_')[0]}" if label.endswith("mlp_out") else label]
        assert_same(ours_, value, label)


@each_model
def test_direct_logit_attribution(name, activation_patching):
    """Of the heads; TransformerLens's logit_attrs supposes that the last LayerNorm's weight is folded into W_U."""
    correct, wrong = right_and_wrong(name)
    direction = (ours(name).W_U[:, correct] - ours(name).W_U[:, wrong]).T
    with torch.no_grad():
        if ours(name).config.d_vocab == ours(name).config.d_model:
            # TransformerLens 3.9 folds along the wrong axis of a square W_U: then without folding.
            cache = theirs(name)[1]
            stack, labels = cache.stack_head_results(pos_slice=-1, return_labels=True)
            normalised = cache.apply_ln_to_stack(stack, pos_slice=-1) * bridge(name).ln_final.weight
            expected = (normalised * direction).sum(-1)
        else:
            cache = folded(name).run_with_cache(some_tokens(name))[1]
            stack, labels = cache.stack_head_results(pos_slice=-1, return_labels=True)
            expected = cache.logit_attrs(stack, tokens=correct, incorrect_tokens=wrong, pos_slice=-1)
            assert_same(folded(name).b_U, ours(name).ln_final.bias @ ours(name).W_U, "b_U")
    actual = activation_patching.direct_logit_attribution(ours(name), run(name)[1], direction)
    names = activation_patching.component_names(ours(name))
    for label, value in zip(labels, expected, strict=True):
        assert_same(actual[names.index("head " + label[1:].replace("H", "."))], value, label)
    logits = theirs(name)[0][:, -1]
    rows = torch.arange(len(logits))
    assert_same(actual.sum(0), logits[rows, correct] - logits[rows, wrong], "sum")


@each_model
def test_logit_lens(name, activation_patching):
    model, cache = bridge(name), theirs(name)[1]
    with torch.no_grad():
        expected = model.unembed(model.ln_final(cache.accumulated_resid()))
    assert_same(activation_patching.logit_lens(ours(name), run(name)[1]), expected, "logit lens")


@patched_model
@pytest.mark.parametrize("stream", ["resid_pre", "resid_mid", "attn_out", "mlp_out"])
def test_patching_streams(name, stream, activation_patching):
    from transformer_lens import patching

    sweep = getattr(patching, f"get_act_patch_{stream}")
    with torch.no_grad():
        expected = sweep(bridge(name), other_tokens(name), theirs(name)[1], metric(name))
    actual = activation_patching.patch_residual(ours(name), other_tokens(name), run(name)[1], metric(name), stream)
    assert_same(actual, expected, stream)


@patched_model
def test_patching_heads_and_their_inputs(name, activation_patching):
    from transformer_lens import patching

    case = ours(name), other_tokens(name), run(name)[1], metric(name)
    with torch.no_grad():
        out, *inputs = patching.get_act_patch_attn_head_all_pos_every(
            bridge(name), other_tokens(name), theirs(name)[1], metric(name)
        )
    assert_same(activation_patching.patch_heads(*case), out, "heads")
    assert_same(activation_patching.patch_head_inputs(*case), torch.stack(inputs), "q, k, v, pattern")


@patched_model
def test_patching_one_head_at_one_position(name, activation_patching):
    import pandas
    from transformer_lens import patching

    by_head = patching.layer_head_pos_pattern_patch_setter  # takes the head before the position
    places = [(layer, position, head) for layer in (0, 2) for position, head in ((4, 0), (13, 3), (15, 1))]
    for site, setter in [
        ("z", patching.layer_pos_head_vector_patch_setter),
        ("k", patching.layer_pos_head_vector_patch_setter),
        ("pattern", lambda now, index, clean: by_head(now, [index[0], index[2], index[1]], clean)),
    ]:
        with torch.no_grad():
            expected = patching.generic_activation_patch(
                bridge(name),
                other_tokens(name),
                theirs(name)[1],
                metric(name),
                setter,
                site,
                index_df=pandas.DataFrame(places, columns=["layer", "pos", "head"]),
            )
        for (layer, position, head), value in zip(places, expected, strict=True):
            hook = f"blocks.{layer}.attn.hook_{site}"
            logits = activation_patching.patch(ours(name), other_tokens(name), hook, run(name)[1][hook], position, head)
            assert_same(metric(name)(logits), value, f"{hook} {position} {head}")


@patched_model
def test_attribution_patching(name, activation_patching):
    """Its gradients against those of TransformerLens's backward hooks."""
    sites = ["blocks.1.hook_resid_pre", "blocks.2.hook_mlp_out", "blocks.1.attn.hook_z", "blocks.0.attn.hook_q"]
    actual = activation_patching.attribution_patch(
        ours(name), some_tokens(name), other_tokens(name), metric(name), sites
    )
    model, values, gradients = bridge(name), {}, {}

    def keep(value, hook, site, where):
        where[site] = value.detach().clone()

    def hooks(where):
        return [(site, functools.partial(keep, site=site, where=where)) for site in sites]

    with model.hooks(fwd_hooks=hooks(values), bwd_hooks=hooks(gradients)):
        metric(name)(model(other_tokens(name))).backward()
    model.zero_grad()
    for site in sites:
        expected = ((theirs(name)[1][site] - values[site]) * gradients[site]).sum((0, -1))
        assert_same(actual[site], expected, site)


@patched_model
@pytest.mark.parametrize("path", ["q", "k", "v", "logits"])
def test_path_patching(name, path, activation_patching):
    """As Wang et al. do it: freeze all else on the way, see what reaches the receivers, and put that into a plain run."""
    tokens, model, sender, receivers = other_tokens(name), bridge(name), (0, 1), [(2, 0, path), (2, 3, path)]
    with torch.no_grad():
        own, clean = model.run_with_cache(tokens)[1], theirs(name)[1]
    arrived = {}

    def freeze(value, hook, site):
        frozen = own[site].clone()
        if site == "blocks.0.attn.hook_z":
            frozen[:, :, sender[1]] = clean[site][:, :, sender[1]]
        return frozen

    def keep(value, hook, site):
        arrived[site] = value.clone()

    def put(value, hook, site):
        value = value.clone()
        for _, head, _ in receivers:
            value[:, :, head] = arrived[site][:, :, head]
        return value

    upto = len(ours(name).blocks) if path == "logits" else 2
    frozen = [f"blocks.{layer}.{site}" for layer in range(upto) for site in ("attn.hook_z", "hook_mlp_out")]
    freezing = [(site, functools.partial(freeze, site=site)) for site in frozen]
    site = f"blocks.2.attn.hook_{path}"
    with torch.no_grad():
        if path == "logits":
            expected = model.run_with_hooks(tokens, fwd_hooks=freezing)
        else:
            model.run_with_hooks(tokens, fwd_hooks=[*freezing, (site, functools.partial(keep, site=site))])
            expected = model.run_with_hooks(tokens, fwd_hooks=[(site, functools.partial(put, site=site))])
    to = "logits" if path == "logits" else receivers
    assert_same(activation_patching.path_patch(ours(name), tokens, run(name)[1], sender, to), expected)
