"""models/known-circuit: its answers, worked out by hand; and that its true edges are those of circuit.json, and no others.

Activations and paths are patched here by code of its own, not by chapter 3's reference.
"""

import functools
import importlib.util
import itertools
import json
import math

import pytest
import torch

from dojo.ioi import corrupted, ioi_prompts
from dojo.models import load_model, load_state_dict, load_tokenizer, model_path
from dojo.transformer import run_with_cache, run_with_hooks

SHARP, SOFT = (2, 0), (2, 3)
ORDERS = ("ABBA", "BABA")
EVERY = list(itertools.product(range(3), range(4)))


@pytest.fixture(scope="module")
def model():
    return load_model("known-circuit").requires_grad_(False)


@pytest.fixture(scope="module")
def truth():
    return json.loads((model_path("known-circuit") / "circuit.json").read_text(encoding="utf-8"))


@functools.cache
def prompts(order, held_out=False, n=24):
    tokenizer = load_tokenizer("known-circuit")
    drawn = ioi_prompts(tokenizer, n, order=order, held_out=held_out, seed=3)
    return drawn, {kind: corrupted(drawn, tokenizer, kind, seed=4) for kind in ("S2", "ABC")}


def differences(logits, drawn):
    rows = range(len(logits))
    return logits[rows, -1, drawn.correct] - logits[rows, -1, drawn.wrong]


def mean_difference(logits, drawn):
    return differences(logits, drawn).mean().item()


def head_patched(model, tokens, cache, head):
    layer, i = head
    name = f"blocks.{layer}.attn.hook_z"

    def hook(z, hook):
        z = z.clone()
        z[:, :, i] = cache[name][:, :, i]
        return z

    return run_with_hooks(model, tokens, [(name, hook)])


def path_patched(model, tokens, here, there, sender, receiver, part):
    """What the sender writes comes from the other run, for this one input of the receiver (or for the logits) only."""
    layer, i = sender
    name = f"blocks.{layer}.attn.hook_z"
    change = (there[name] - here[name])[:, :, i] @ model.blocks[layer].attn.W_O[i]
    if receiver == "logits":
        return model.ln_final(here["blocks.2.hook_resid_post"] + change) @ model.W_U
    to_layer, to_head = receiver
    block = model.blocks[to_layer]
    read = (
        block.ln1(here[f"blocks.{to_layer}.hook_resid_pre"] + change)
        @ getattr(block.attn, f"W_{part.upper()}")[to_head]
    )

    def hook(value, hook):
        value = value.clone()
        value[:, :, to_head] = read
        return value

    return run_with_hooks(model, tokens, [(f"blocks.{to_layer}.attn.hook_{part}", hook)])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("held_out", [False, True])
def test_it_identifies_indirect_objects(model, order, held_out):
    drawn, others = prompts(order, held_out)
    logits = model(drawn.tokens)
    assert (logits[:, -1].argmax(dim=-1) == drawn.correct).all()
    found = differences(logits, drawn)
    assert found.min() > 4 and found.max() < 8
    torch.testing.assert_close(differences(model(others["S2"]), drawn), -found, atol=1e-3, rtol=0)  # the answer flips
    assert abs(mean_difference(model(others["ABC"]), drawn)) < 0.5


def test_the_logit_difference_worked_by_hand(model):
    """A name mover of gain g adds g (a - b) (1 - c), where a and b are its attention to the indirect object and to S1.

    c is the cosine of the two names' codes: 0 or +-1/sqrt(32). The S-inhibition head, at score 10 against 5 on the first
    position and 0 on the fourteen others, moves 1 / (1 + e^-5 + 14 e^-10) of S. A name mover has scores 20 on the names
    before S2, 14 on the first position, 10 on the other eight words before S2 and on S2, 0 on the last four; and less, by
    its sharpness times what was moved, on S1, S2 and (c times that) on the indirect object.
    """
    drawn, _ = prompts("ABBA")
    moved = 1 / (1 + math.exp(-5) + 14 * math.exp(-10))

    def by_hand(gain, sharpness, c):
        told = sharpness * moved
        scores = [20 - told * c, 20 - told, 10 - told, 14, *[10] * 8, *[0] * 4]
        total = sum(math.exp(score) for score in scores)
        return gain * (math.exp(scores[0]) - math.exp(scores[1])) / total * (1 - c)

    expected = torch.tensor([by_hand(4, 10, c) + by_hand(3, 2, c) for c in (0, 32**-0.5, -(32**-0.5))])
    nearest = (differences(model(drawn.tokens), drawn)[:, None] - expected).abs().min(dim=1)
    assert nearest.values.max() < 0.002
    assert set(nearest.indices.tolist()) == {0, 1, 2}


def test_layer_norm_is_transparent(model):
    """In double precision, and with LayerNorm replaced by centring alone, the logits are the same."""
    drawn, _ = prompts("BABA")
    exact = load_model("known-circuit").double().requires_grad_(False)
    for norm in [exact.ln_final, *(norm for block in exact.blocks for norm in (block.ln1, block.ln2))]:
        norm.forward = lambda x: x - x.mean(dim=-1, keepdim=True)
    torch.testing.assert_close(model(drawn.tokens), exact(drawn.tokens).float(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("order", ORDERS)
def test_the_true_heads_and_no_others(model, truth, order):
    """Each true head, patched at its position alone, moves the answer; no other head does."""
    drawn, others = prompts(order)
    true = {tuple(each["head"]): each["position"] for each in truth["heads"]}
    assert sorted([*true, *(tuple(each["head"]) for each in truth["other_heads"])]) == EVERY
    (logits, clean), (low, cache) = run_with_cache(model, drawn.tokens), run_with_cache(model, others["S2"])
    high, low = mean_difference(logits, drawn), mean_difference(low, drawn)
    for head in EVERY:
        restored = (mean_difference(head_patched(model, others["S2"], clean, head), drawn) - low) / (high - low)
        destroyed = (mean_difference(head_patched(model, drawn.tokens, cache, head), drawn) - high) / (high - low)
        expected = {SHARP: 0.64, SOFT: 0.36}.get(head, 1.0) if head in true else 0.0
        assert restored == pytest.approx(expected, abs=0.02)
        assert destroyed == pytest.approx(-expected, abs=0.02)

        name, place = f"blocks.{head[0]}.attn.hook_z", drawn.positions[true.get(head, "END")]
        there = clean | {name: clean[name].clone()}
        there[name][:, place] = cache[name][:, place]
        only_there = (mean_difference(head_patched(model, drawn.tokens, there, head), drawn) - high) / (high - low)
        assert only_there == pytest.approx(-expected, abs=0.02)


@pytest.mark.parametrize("order", ORDERS)
def test_the_true_edges_and_no_others(model, truth, order):
    """Of all 156 edges between heads, and to the logits, those of circuit.json are the ones that carry something.

    Under "S2" the mark that a name was copied stays where it was: the edge into k shows under "ABC" only.
    """
    drawn, others = prompts(order)
    true = {
        (
            tuple(each["sender"]),
            receiver if (receiver := each["receiver"]) == "logits" else tuple(receiver),
            each["input"],
        )
        for each in truth["edges"]
    }
    logits, here = run_with_cache(model, drawn.tokens)
    full, found = mean_difference(logits, drawn), {}
    for kind, tokens in others.items():
        there = run_with_cache(model, tokens)[1]
        for sender in EVERY:
            later = [(head, part) for head in EVERY if head[0] > sender[0] for part in "qkv"]
            for receiver, part in [*later, ("logits", None)]:
                changed = path_patched(model, drawn.tokens, here, there, sender, receiver, part)
                effect = abs(mean_difference(changed, drawn) - full) / full
                found.setdefault((sender, receiver, part), {})[kind] = effect
    assert len(found) == 156
    assert {edge for edge, effects in found.items() if max(effects.values()) > 0.3} == true
    assert all(max(effects.values()) < 0.02 for edge, effects in found.items() if edge not in true)
    hidden = {edge for edge in true if found[edge]["S2"] < 0.01}
    assert hidden == {((0, 1), (1, 2), "k")} and found[hidden.pop()]["ABC"] > 0.9


def test_attribution_patching_misses_the_saturated_edge(model):
    """What S-inhibition tells the sharp name mover restores 64 percent of the answer; the gradient there says 2 percent.

    For the soft one the estimate is over half of the truth; for what the name movers write it is right.
    """
    drawn, others = prompts("ABBA")
    logits, clean = run_with_cache(model, drawn.tokens)
    worst = mean_difference(model(others["S2"]), drawn)
    whole = mean_difference(logits, drawn) - worst

    def true_and_estimated(head, site):
        layer, i = head
        name, leaf = f"blocks.{layer}.attn.hook_{site}", {}

        def patched(value, hook):
            value = value.clone()
            value[:, :, i] = clean[name][:, :, i]
            return value

        def watched(value, hook):
            leaf["value"] = value.detach().requires_grad_()
            return leaf["value"]

        truth = (mean_difference(run_with_hooks(model, others["S2"], [(name, patched)]), drawn) - worst) / whole
        differences(run_with_hooks(model, others["S2"], [(name, watched)]), drawn).mean().backward()
        value = leaf["value"]
        estimate = ((clean[name] - value.detach()) * value.grad)[:, :, i].sum().item() / whole
        return truth, estimate

    truth, estimate = true_and_estimated(SHARP, "q")
    assert truth == pytest.approx(0.64, abs=0.02) and 0 < estimate < 0.05
    truth, estimate = true_and_estimated(SOFT, "q")
    assert truth == pytest.approx(0.36, abs=0.02) and 0.5 * truth < estimate < 0.7 * truth
    for head in (SHARP, SOFT):
        truth, estimate = true_and_estimated(head, "z")
        assert estimate == pytest.approx(truth, abs=1e-3)
    truth, estimate = true_and_estimated((1, 2), "z")
    assert truth == pytest.approx(1, abs=1e-3) and 0.1 < estimate < 0.3


def test_same_logits_in_transformers(model):
    from transformers import AutoTokenizer, GPT2LMHeadModel

    folder = model_path("known-circuit")
    theirs = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True).eval()
    drawn, _ = prompts("ABBA")
    with torch.no_grad():
        torch.testing.assert_close(theirs(input_ids=drawn.tokens).logits, model(drawn.tokens), atol=1e-4, rtol=0)
    text = "<|endoftext|>Then, Mary and John went to the store. John gave a book to"
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    tokenizer = load_tokenizer("known-circuit")
    assert torch.equal(tokens, tokenizer.encode(text))
    assert tokenizer.decode(model(tokens)[:, -1].argmax(dim=-1)).strip() == "Mary"


def test_the_same_tokens_as_ioi_a():
    text = "<|endoftext|>Later, Zoe and Luis met near the market. Zoe offered a coat to"
    ours, theirs = load_tokenizer("known-circuit"), load_tokenizer("ioi-a")
    assert ours.fast.get_vocab() == theirs.fast.get_vocab()
    assert torch.equal(ours.encode(text), theirs.encode(text))


def test_the_program_writes_these_very_weights(truth):
    path = model_path("known-circuit") / "build.py"
    spec = importlib.util.spec_from_file_location("build_known_circuit", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.circuit() == truth
    built, shipped = program.build(load_tokenizer("known-circuit")), load_model("known-circuit")
    for name, value in built.state_dict().items():
        torch.testing.assert_close(value, shipped.state_dict()[name], atol=1e-4, rtol=1e-4)


def test_there_is_no_mlp():
    weights = load_state_dict("known-circuit")
    assert all(not value.any() for name, value in weights.items() if ".mlp." in name)
