"""self_repair: direct and total effect of a head, each worked out from forward passes by hand."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 4, "d_mlp": 7}
KEYS = ("direct", "total", "repaired")


def _difference(logits, correct, wrong):
    return sum(float(row[-1, c] - row[-1, w]) for row, c, w in zip(logits, correct, wrong, strict=True)) / len(logits)


def _by_hand(model, tokens, layer, head, correct, wrong):
    site = f"blocks.{layer}.attn.hook_z"
    logits, seen = run_by_hand(model, tokens)
    mean = sum(seen[site][b, :, head] for b in range(len(tokens))) / len(tokens)

    def ablate(z):
        z[:, :, head] = mean
        return z

    total = _difference(logits, correct, wrong) - _difference(
        run_by_hand(model, tokens, {site: ablate})[0], correct, wrong
    )
    direct = 0.0
    for b in range(len(tokens)):
        lost = (seen[site][b, -1, head] - mean[-1]) @ model.blocks[layer].attn.W_O[head]
        read = (lost - lost.mean()) / seen["ln_final.hook_scale"][b, -1] * model.ln_final.weight
        direct += float(read @ (model.W_U[:, correct[b]] - model.W_U[:, wrong[b]])) / len(tokens)
    return {"direct": direct, "total": total, "repaired": direct - total}


def _inputs(rand, batch=3):
    return rand.integers(11, batch, 6), rand.integers(5, batch), 5 + rand.integers(6, batch)


@pytest.mark.parametrize("layer, head", [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_the_three_numbers(submission, kit, rand, layer, head):
    """Direct effect, total effect, and what was made up for, of heads early and late."""
    tokens, correct, wrong = _inputs(rand)
    expected = _by_hand(ours.random_transformer(rand.seed, **SIZES), tokens, layer, head, correct, wrong)
    found = submission.self_repair(kit.random_transformer(rand.seed, **SIZES), tokens, layer, head, correct, wrong)
    compare(sorted(found), sorted(KEYS), what="the list of keys")
    for key in KEYS:
        compare(found[key], expected[key], what=f"'{key}' of head {layer}.{head}")


def test_one_prompt(submission, kit, rand):
    """With a single prompt the mean is the head's own output: nothing is lost and nothing made up for."""
    tokens, correct, wrong = _inputs(rand, batch=1)
    found = submission.self_repair(kit.random_transformer(rand.seed, **SIZES), tokens, 1, 0, correct, wrong)
    for key in KEYS:
        compare(found[key], 0.0, what=f"'{key}'")


def test_the_model_is_left_as_it_was(submission, kit, rand):
    """Afterwards no hook is left on the model."""
    tokens, correct, wrong = _inputs(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    submission.self_repair(model, tokens, 2, 1, correct, wrong)
    compare(kit.hooks_left(model), {}, what="the dict of hooks on the model afterwards")


def _repair(model, tokens, layer, head, correct, wrong, new=None, direct=None, total=None):
    """The reference with the replacement of z and either effect left open."""
    site = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
        ablated = cache[site].clone()
        ablated[:, :, head] = (new or (lambda z: z.mean(dim=0)))(cache[site][:, :, head])
        direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T
        row = ref.component_names(model).index(f"head {layer}.{head}")
        shares = [ref.direct_logit_attribution(model, c, direction)[row] for c in (cache, cache | {site: ablated})]
        after_logits, after = run_with_cache_patched(model, tokens, site, ablated, head)
        d = (direct or (lambda shares, cache, after: (shares[0] - shares[1]).mean()))(shares, cache, after)
        before = ref.logit_difference(logits, correct, wrong)
        t = (total or (lambda before, after: before - after))(
            before, ref.logit_difference(after_logits, correct, wrong)
        )
    d, t = float(d), float(t)
    return {"direct": d, "total": t, "repaired": d - t}


def run_with_cache_patched(model, tokens, site, value, head):
    """Logits and the final scale of the run in which the head is ablated."""
    kept = {}
    handle = model.ln_final.hook_scale.register_forward_hook(lambda m, a, out: kept.__setitem__("scale", out))
    try:
        return ref.patch(model, tokens, site, value, head=head), kept
    finally:
        handle.remove()


@mistake("The head is set to zero: replace its z by its mean over the batch.")
def zero_ablation(model, tokens, layer, head, correct, wrong):
    return _repair(model, tokens, layer, head, correct, wrong, new=torch.zeros_like)


@mistake("The mean runs over positions too: each position has a mean of its own.")
def mean_over_positions(model, tokens, layer, head, correct, wrong):
    return _repair(model, tokens, layer, head, correct, wrong, new=lambda z: z.mean(dim=(0, 1)))


@mistake("The direct effect is all that the head writes; subtract what its mean would write.")
def all_that_it_writes(model, tokens, layer, head, correct, wrong):
    return _repair(model, tokens, layer, head, correct, wrong, direct=lambda shares, cache, after: shares[0].mean())


@mistake("The total effect has the wrong sign: the plain run's logit difference minus the ablated run's.")
def total_reversed(model, tokens, layer, head, correct, wrong):
    return _repair(model, tokens, layer, head, correct, wrong, total=lambda before, after: after - before)


@mistake("The direct effect has the wrong sign: with the head, minus with its mean.")
def direct_reversed(model, tokens, layer, head, correct, wrong):
    return _repair(
        model, tokens, layer, head, correct, wrong, direct=lambda shares, cache, after: (shares[1] - shares[0]).mean()
    )


@mistake("`repaired` has the wrong sign: direct minus total.")
def repaired_reversed(model, tokens, layer, head, correct, wrong):
    found = ref.self_repair(model, tokens, layer, head, correct, wrong)
    return found | {"repaired": found["total"] - found["direct"]}


@mistake("The total is the direct effect again: run the model with the head ablated, so that later parts react.")
def nothing_reacts(model, tokens, layer, head, correct, wrong):
    found = ref.self_repair(model, tokens, layer, head, correct, wrong)
    return {"direct": found["direct"], "total": found["direct"], "repaired": 0.0}


@mistake("The whole layer is ablated: only this head.")
def whole_layer(model, tokens, layer, head, correct, wrong):
    site = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens, [site])
        after = ref.patch(model, tokens, site, cache[site].mean(dim=0).expand_as(cache[site]))
        total = (ref.logit_difference(logits, correct, wrong) - ref.logit_difference(after, correct, wrong)).item()
    direct = ref.self_repair(model, tokens, layer, head, correct, wrong)["direct"]
    return {"direct": direct, "total": total, "repaired": direct - total}


@mistake("The direct effect uses the LayerNorm scale of the ablated run: take the plain run's for both.")
def scale_of_the_ablated_run(model, tokens, layer, head, correct, wrong):
    def direct(shares, cache, after):
        ratio = cache["ln_final.hook_scale"][:, -1, 0] / after["scale"][:, -1, 0]
        return (shares[0] - shares[1] * ratio).mean()

    return _repair(model, tokens, layer, head, correct, wrong, direct=direct)


@mistake("The effects are summed over prompts: average them.")
def summed_over_prompts(model, tokens, layer, head, correct, wrong):
    found = ref.self_repair(model, tokens, layer, head, correct, wrong)
    return {key: value * len(tokens) for key, value in found.items()}


@mistake("Repaired as a fraction: return the difference, in logits.")
def as_a_fraction(model, tokens, layer, head, correct, wrong):
    found = ref.self_repair(model, tokens, layer, head, correct, wrong)
    return found | {"repaired": 1 - found["total"] / found["direct"] if found["direct"] else 0.0}
