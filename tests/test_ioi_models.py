"""ioi-a and ioi-b: both identify the indirect object, by different circuits, as their cards say."""

import pytest
import torch

from dojo import load_model, load_tokenizer
from dojo.ioi import corrupted, ioi_prompts
from dojo.transformer import run_with_cache, run_with_hooks

HEADS = [(layer, head) for layer in range(3) for head in range(4)]
CIRCUIT = {
    "ioi-a": [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)],
    "ioi-b": [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)],
}
both_models = pytest.mark.parametrize("name", CIRCUIT)
both_orders = pytest.mark.parametrize("order", ["ABBA", "BABA"])


def logit_difference(logits, prompts):
    each = torch.arange(len(prompts.correct))
    return (logits[each, -1, prompts.correct] - logits[each, -1, prompts.wrong]).mean().item()


class Bench:
    """One model on prompts of one order: clean, on its twin, and mean activations over three different names."""

    def __init__(self, name, order):
        tokenizer = load_tokenizer(name)
        self.model = load_model(name).requires_grad_(False)
        self.prompts = ioi_prompts(tokenizer, 100, order=order, held_out=True, seed=5)
        self.at = self.prompts.positions
        self.twins = corrupted(self.prompts, tokenizer, "S2")
        logits, self.clean = run_with_cache(self.model, self.prompts.tokens)
        twin_logits, self.twin = run_with_cache(self.model, self.twins)
        self.ends = logit_difference(twin_logits, self.prompts), logit_difference(logits, self.prompts)
        many = ioi_prompts(tokenizer, 2000, order=order, seed=6)
        names = [f"blocks.{layer}.attn.hook_z" for layer in range(3)]
        _, three = run_with_cache(self.model, corrupted(many, tokenizer, "ABC"), names)
        self.means = {name: value.mean(0) for name, value in three.items()}

    def restored(self, *sites, frozen=()):
        """What part of the logit difference the clean activation brings back, at sites (name, index)."""

        def put(name, index):
            def hook(activation, hook):
                activation = activation.clone()
                activation[index] = self.clean[name][index]
                return activation

            return name, hook

        hooks = [(name, lambda activation, hook, name=name: self.twin[name]) for name in frozen]
        logits = run_with_hooks(self.model, self.twins, hooks + [put(*site) for site in sites])
        low, high = self.ends
        return (logit_difference(logits, self.prompts) - low) / (high - low)

    def kept(self, heads):
        """Logit difference and accuracy with all other heads mean-ablated."""

        def ablate(layer):
            gone = [head for head in range(4) if (layer, head) not in heads]
            name = f"blocks.{layer}.attn.hook_z"

            def hook(z, hook):
                z = z.clone()
                z[:, :, gone] = self.means[name][:, gone]
                return z

            return name, hook

        logits = run_with_hooks(self.model, self.prompts.tokens, [ablate(layer) for layer in range(3)])
        right = (logits[:, -1].argmax(-1) == self.prompts.correct).float().mean().item()
        return logit_difference(logits, self.prompts), right

    def faithfulness(self, heads):
        empty, full = self.kept([])[0], self.kept(HEADS)[0]
        return (self.kept(heads)[0] - empty) / (full - empty)

    def z(self, head, place):
        return f"blocks.{head[0]}.attn.hook_z", (slice(None), self.at[place], head[1])

    def all_heads(self, what, layer, place):
        """One layer's q, k, v or z of all heads at a position; of the pattern, the row of that query."""
        at = (slice(None), slice(None), self.at[place]) if what == "pattern" else (slice(None), self.at[place])
        return f"blocks.{layer}.attn.hook_{what}", at

    def residual(self, layer, place):
        return f"blocks.{layer}.hook_resid_pre", (slice(None), self.at[place])


@pytest.fixture(scope="module")
def bench():
    made = {}

    def get(name, order):
        if (name, order) not in made:
            made[name, order] = Bench(name, order)
        return made[name, order]

    return get


@both_models
@both_orders
def test_right_on_pairs_of_names_that_training_did_not_show(name, order):
    prompts = ioi_prompts(load_tokenizer(name), 1000, order=order, held_out=True, seed=9)
    with torch.no_grad():
        guesses = load_model(name)(prompts.tokens)[:, -1].argmax(-1)
    assert (guesses == prompts.correct).float().mean() > 0.98


@both_models
@both_orders
def test_the_answer_turns_with_s2_and_goes_with_three_names(bench, name, order):
    b = bench(name, order)
    low, high = b.ends
    assert high > 5 and low < -5
    assert abs(b.kept([])[0]) < 0.5


@both_models
@both_orders
def test_the_circuit_is_faithful_and_the_other_heads_are_not(bench, name, order):
    b, circuit = bench(name, order), CIRCUIT[name]
    assert 0.85 < b.faithfulness(circuit) < 1.15
    assert b.kept(circuit)[1] > 0.85
    assert b.faithfulness([head for head in HEADS if head not in circuit]) < 0.15


@both_orders
def test_one_models_circuit_is_not_the_others(bench, order):
    assert bench("ioi-a", order).faithfulness(CIRCUIT["ioi-b"]) < 0.15
    movers = [(0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]
    assert bench("ioi-b", order).faithfulness(movers) < 0.6


@both_orders
def test_after_layer_0_the_information_is_at_end_in_a_and_at_s2_in_b(bench, order):
    a, b = bench("ioi-a", order), bench("ioi-b", order)
    assert a.restored(a.residual(1, "END")) > 0.95 and abs(a.restored(a.residual(1, "S2"))) < 0.05
    assert b.restored(b.residual(1, "S2")) > 0.95 and abs(b.restored(b.residual(1, "END"))) < 0.05
    assert b.restored(b.residual(2, "END")) > 0.85


@both_orders
def test_a_moves_the_subject_and_composes_by_queries(bench, order):
    a = bench("ioi-a", order)
    pattern = a.clean["blocks.0.attn.hook_pattern"][:, 3]
    assert pattern[:, a.at["END"], a.at["S2"]].mean() > 0.9
    assert a.restored(a.z((0, 3), "END")) > 0.95
    assert a.restored(("blocks.0.attn.hook_v", (slice(None), a.at["S2"], 3))) > 0.95
    assert abs(a.restored(("blocks.0.attn.hook_pattern", (slice(None), 3)))) < 0.05
    direct = a.restored(a.z((0, 3), "END"), frozen=[f"blocks.{layer}.attn.hook_z" for layer in (1, 2)])
    assert 0.3 < direct < 0.42
    assert 0.5 < a.restored(a.all_heads("q", 1, "END")) < 0.62
    for what in "kv":
        assert abs(a.restored(a.all_heads(what, 1, "END"))) < 0.05
    movers = a.clean["blocks.1.attn.hook_pattern"][:, :, a.at["END"]].mean(0)
    assert (movers[:, a.at["IO"]] > 1.4 * movers[:, a.at["S1"]]).all()


@both_orders
def test_b_looks_the_name_up_and_composes_by_values(bench, order):
    b = bench("ioi-b", order)
    assert b.restored(*[b.z((0, head), "S2") for head in range(3)]) > 0.8
    assert b.restored(*[b.z((1, head), "END") for head in range(3)]) > 0.8
    assert b.restored(b.all_heads("pattern", 0, "S2")) > 0.85
    assert b.restored(b.all_heads("v", 1, "S2")) > 0.85
    assert abs(b.restored(b.all_heads("q", 1, "END"))) < 0.05
    assert abs(b.restored(b.all_heads("pattern", 1, "END"))) < 0.1
    lookup = b.clean["blocks.0.attn.hook_pattern"][:, :3, b.at["S2"]].mean(0)
    assert (lookup[:, b.at["IO"]] > 2 * lookup[:, b.at["S1"]]).all()
    copying = b.clean["blocks.1.attn.hook_pattern"][:, :3, b.at["END"], b.at["S2"]].mean(0)
    assert (copying > 0.4).all()


@both_orders
def test_inhibition_alone_has_the_logit_difference_but_not_the_answer(bench, order):
    a = bench("ioi-a", order)
    assert a.faithfulness([(0, 3)]) > 0.6 and a.kept([(0, 3)])[1] < 0.15
    assert a.faithfulness([head for head in HEADS if head != (0, 3)]) < 0.15
