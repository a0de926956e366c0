"""Planted models do what their docstrings say, by the heads that were planted and by no others.

The measures here are plain loops and hooks of their own; of the compiler only the drawn places are asked for.
"""

import functools
import subprocess
import sys
import time

import pytest
import torch

from dojo.ioi import corrupted, ioi_prompts
from dojo.models import load_tokenizer
from dojo.planted import GATE_HEADS, circuit, gate_model, gate_tokens, induction, mystery_circuit, mystery_heads
from dojo.planted.compiler import generator
from dojo.transformer import run_with_cache, run_with_hooks

NAMES = [f"learner {i}" for i in range(28)] + ["", "Zoë 猫"]


def head_outputs_from(cache, heads):
    """Hooks that put the outputs z of these heads in place, as they are in the cache."""

    def hook_of(layer):
        name = f"blocks.{layer}.attn.hook_z"
        chosen = [head for at, head in heads if at == layer]

        def hook(z, hook):
            z = z.clone()
            z[:, :, chosen] = cache[name][:, :, chosen]
            return z

        return name, hook

    return [hook_of(layer) for layer in sorted({layer for layer, _ in heads})]


def means(cache):
    """Each head's output averaged over the batch, at each position."""
    return {name: z.mean(dim=0, keepdim=True).expand_as(z) for name, z in cache.items() if name.endswith("hook_z")}


def all_heads(model):
    return [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]


def elapsed(build):
    start = time.process_time()  # the machine may be busy with other things
    build()
    return time.process_time() - start


# --- AND and OR


def yes_less_no(logits):
    return (logits[:, -1, 2] - logits[:, -1, 1]).mean().item()


@torch.no_grad()
@pytest.mark.parametrize("kind, on", [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1])])
def test_a_gate_has_its_truth_table(kind, on):
    prompts = torch.tensor(
        [[0, a, 7, b, 8, 9, 10, 11] for a in (3, 4) for b in (5, 6)]
    )  # false, true; also: B before A
    for tokens in (prompts, prompts[:, [0, 3, 4, 1, 5, 2, 6, 7]]):
        logits = gate_model(kind)(tokens)[:, -1]
        torch.testing.assert_close(logits[:, 2] - logits[:, 1], torch.tensor([6.0 if each else -6.0 for each in on]))
        assert logits.argmax(dim=-1).tolist() == [2 if each else 1 for each in on]


@torch.no_grad()
@pytest.mark.parametrize("kind, denoising, noising", [("and", 0, -1), ("or", 1, 0)])
def test_noising_and_denoising_disagree_on_gates(kind, denoising, noising):
    model = gate_model(kind)
    clean, corrupted, correct, wrong = gate_tokens(kind)
    assert clean.shape == corrupted.shape == (16, 8) and correct.tolist() == [2] * 16 and wrong.tolist() == [1] * 16
    assert ((clean != corrupted).sum(dim=1) == 2).all()
    (clean_logits, clean_cache), (logits, cache) = run_with_cache(model, clean), run_with_cache(model, corrupted)
    high, low = yes_less_no(clean_logits), yes_less_no(logits)
    assert high == pytest.approx(6, abs=1e-4) and low == pytest.approx(-6, abs=1e-4)
    for head in all_heads(model):
        matters = head in GATE_HEADS
        restored = yes_less_no(run_with_hooks(model, corrupted, head_outputs_from(clean_cache, [head])))
        assert (restored - low) / (high - low) == pytest.approx(denoising if matters else 0, abs=1e-3)
        destroyed = yes_less_no(run_with_hooks(model, clean, head_outputs_from(cache, [head])))
        assert (destroyed - high) / (high - low) == pytest.approx(noising if matters else 0, abs=1e-3)
    both = yes_less_no(run_with_hooks(model, corrupted, head_outputs_from(clean_cache, GATE_HEADS)))
    assert both == pytest.approx(6, abs=1e-3)


def test_an_unknown_gate_is_refused():
    for make in (gate_model, gate_tokens):
        with pytest.raises(ValueError, match="xor"):
            make("xor")


def test_subspaces_lie_on_no_axis():
    for weights in (gate_model("and").W_E, mystery_heads("a").W_pos):
        largest = weights.abs().amax(dim=1) / weights.norm(dim=1).clamp(min=1e-9)
        assert (largest < 0.7).all()


# --- chapter 2's mystery


def repeated(n=16, n_ctx=48, seed=0):
    """BOS and a sequence of distinct words, of random period, over and over; and which next tokens are a repetition."""
    rng = torch.Generator().manual_seed(seed)
    periods = torch.randint(6, 24, (n,), generator=rng).tolist()
    words = [1 + torch.randperm(39, generator=rng)[:period] for period in periods]
    tokens = torch.stack([torch.cat([torch.zeros(1).long(), each.repeat(n_ctx)[: n_ctx - 1]]) for each in words])
    second = torch.stack([torch.arange(1, n_ctx) > period + 1 for period in periods])
    return tokens, second


def loss_and_accuracy(logits, tokens, second):
    right = logits[:, :-1].argmax(dim=-1) == tokens[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    return losses.view_as(right)[second].mean().item(), right[second].float().mean().item()


def planted_heads(name):
    return induction._draw(generator("heads", name))


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_mystery_heads_are_needed_and_enough(name):
    model, roles = mystery_heads(name), planted_heads(name)
    true = roles["previous"] + roles["induction"]
    decoys = [head for head in all_heads(model) if head not in true]
    tokens, second = repeated()
    logits, cache = run_with_cache(model, tokens)
    loss, accuracy = loss_and_accuracy(logits, tokens, second)
    assert accuracy > 0.97 and loss < 0.2
    first = ~second
    first[:, 0] = False
    assert loss_and_accuracy(logits, tokens, first)[0] > 3  # nothing is known before the repetition (ln 39 = 3.66)

    nothing = {each: torch.zeros_like(z) for each, z in cache.items()}
    for source in (means(cache), nothing):

        def without(heads, source=source):
            return loss_and_accuracy(run_with_hooks(model, tokens, head_outputs_from(source, heads)), tokens, second)

        for role in roles.values():
            assert without(role)[1] < 0.2
            alone = [without([head]) for head in role]  # two heads share the work, or each can stand in for the other
            assert all(l > loss + 1.3 and a < 0.7 for l, a in alone) or (
                len(role) == 2 and all(l < loss + 0.05 and a > 0.95 for l, a in alone)
            )
        for head in decoys:
            assert without([head])[0] < loss + 0.03 and without([head])[1] > accuracy - 0.02
        assert without(decoys)[1] > 0.95 and without(decoys)[0] < loss + 0.05


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES[:10])
def test_decoys_look_like_true_heads(name):
    model, roles = mystery_heads(name), planted_heads(name)
    tokens, _ = repeated()
    _, cache = run_with_cache(model, tokens)
    previous, prefix = set(), set()
    for layer, head in all_heads(model):
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"][:, head]
        if pattern.diagonal(offset=-1, dim1=1, dim2=2).mean() > 0.9:
            previous.add((layer, head))
        scores = []
        for row, attention in zip(tokens.tolist(), pattern, strict=True):
            for q, token in enumerate(row):
                keys = [k for k in range(1, q + 1) if row[k - 1] == token and k - 1 < q]
                scores += [attention[q, keys].sum().item()] * bool(keys)
        if sum(scores) / len(scores) > 0.9:
            prefix.add((layer, head))
    assert previous > set(roles["previous"])  # all true ones, and at least one more
    assert prefix > set(roles["induction"])


@torch.no_grad()
def test_some_roles_are_shared_and_some_heads_stand_in_for_each_other():
    tokens, second = repeated()
    lost = []
    for name in NAMES[:14]:
        model = mystery_heads(name)
        logits, cache = run_with_cache(model, tokens)
        whole = loss_and_accuracy(logits, tokens, second)[0]
        for role in planted_heads(name).values():
            if len(role) == 2:
                ablated = run_with_hooks(model, tokens, head_outputs_from(means(cache), role[:1]))
                lost.append(loss_and_accuracy(ablated, tokens, second)[0] - whole)
    assert min(lost) < 0.05 and max(lost) > 1.3


def test_circuits_differ_between_names():
    drawn = [str(planted_heads(name)) for name in NAMES]
    assert len(set(drawn)) > len(NAMES) * 0.9
    assert {len(planted_heads(name)["previous"]) for name in NAMES} == {1, 2}
    assert {len(planted_heads(name)["induction"]) for name in NAMES} == {1, 2}


# --- chapter 3's mystery


@functools.cache
def prompts(order, held_out=False, n=32):
    """The prompts, and the same with other names: S2 the indirect object's, and three that are not there."""
    tokenizer = load_tokenizer("known-circuit")
    drawn = ioi_prompts(tokenizer, n, order=order, held_out=held_out, seed=7)
    return drawn, corrupted(drawn, tokenizer, "S2"), corrupted(drawn, tokenizer, "ABC", seed=8)


def difference(logits, drawn):
    last, rows = logits[:, -1], range(len(logits))
    return (last[rows, drawn.correct] - last[rows, drawn.wrong]).mean().item()


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_mystery_circuit_is_needed_and_enough(name):
    model = mystery_circuit(name)
    algorithm, roles = circuit._draw(generator("circuit", name))
    assert (
        set(roles)
        == {
            "s-inhibition": {"duplicate token", "s-inhibition", "name mover"},
            "look-up": {"look-up", "mover"},
        }[algorithm]
    )
    true = [head for role in roles.values() for head in role]
    decoys = [head for head in all_heads(model) if head not in true]
    for order in ("ABBA", "BABA"):
        for held_out in (False, True):
            drawn = prompts(order, held_out)[0]
            assert (model(drawn.tokens)[:, -1].argmax(dim=-1) == drawn.correct).float().mean() > 0.98
        drawn, flipped, other_names = prompts(order)
        full = difference(model(drawn.tokens), drawn)
        assert 4 < full < 9
        assert difference(model(flipped), drawn) == pytest.approx(-full, abs=0.15 * full)
        mean_cache, flipped_cache = means(run_with_cache(model, other_names)[1]), run_with_cache(model, flipped)[1]

        def without(heads, source=mean_cache, drawn=drawn, full=full):
            return difference(run_with_hooks(model, drawn.tokens, head_outputs_from(source, heads)), drawn) / full

        assert 0.95 < without(decoys) < 1.05  # enough
        for role in roles.values():  # needed
            assert abs(without(role)) < 0.3
            for head in role:
                assert without([head]) < (0.85 if len(role) == 2 else 0.3)
        for head in decoys:
            assert 0.97 < without([head]) < 1.03
            assert 0.97 < without([head], source=flipped_cache) < 1.03
        assert without(true, source=flipped_cache) < -0.8


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES[:12])
def test_the_algorithm_shows_in_the_stream(name):
    """Patched from the clean run, S2 restores the answer until its copy is read, and END does from then on."""
    model = mystery_circuit(name)
    _, roles = circuit._draw(generator("circuit", name))
    readers = roles.get("s-inhibition") or roles["mover"]  # they attend from END to S2
    drawn, flipped, _ = prompts("BABA")
    logits, cache = run_with_cache(model, drawn.tokens)
    clean, worst = difference(logits, drawn), difference(model(flipped), drawn)
    for layer in (0, 1, 2):
        for place in ("S2", "END"):
            site, position = f"blocks.{layer}.hook_resid_pre", drawn.positions[place]

            def from_clean(resid, hook, site=site, position=position):
                resid = resid.clone()
                resid[:, position] = cache[site][:, position]
                return resid

            restored = difference(run_with_hooks(model, flipped, [(site, from_clean)]), drawn)
            read = sum(at < layer for at, _ in readers) / len(readers)
            if read in (0, 1):
                expected = read if place == "END" else 1 - read
                assert (restored - worst) / (clean - worst) == pytest.approx(expected, abs=0.05)


@torch.no_grad()
def test_attention_does_not_tell_the_algorithm():
    """In every model some head attends from S2 to S1, one from S2 to the other name, one from END to S2."""
    drawn = prompts("ABBA")[0]
    at = drawn.positions
    for name in NAMES[:12]:
        _, cache = run_with_cache(mystery_circuit(name), drawn.tokens)
        patterns = torch.cat([cache[f"blocks.{layer}.attn.hook_pattern"].mean(dim=0) for layer in range(3)])
        for query, key in (("S2", "S1"), ("S2", "IO"), ("END", "S2")):
            assert patterns[:, at[query], at[key]].max() > 0.9


def test_both_algorithms_are_drawn():
    drawn = [circuit._draw(generator("circuit", name)) for name in NAMES]
    assert {algorithm for algorithm, _ in drawn} == {"s-inhibition", "look-up"}
    assert {len(roles.get("name mover", [])) for _, roles in drawn} == {0, 1, 2}
    assert len({str(each) for each in drawn}) > len(NAMES) * 0.9


# --- all of them


@pytest.mark.parametrize("make", [mystery_heads, mystery_circuit])
def test_the_name_decides_and_the_global_seed_does_not(make):
    torch.manual_seed(1)
    first = make("Ada").state_dict()
    state = torch.get_rng_state()
    torch.manual_seed(2)
    second, other = make("Ada").state_dict(), make("Bob").state_dict()
    assert all(torch.equal(first[each], second[each]) for each in first)
    assert not torch.equal(first["W_E"], other["W_E"])
    torch.manual_seed(1)
    make("Ada")
    assert torch.equal(state, torch.get_rng_state())  # building one draws nothing from the global source


def test_another_process_builds_the_same_model():
    code = "from dojo.planted import mystery_heads; print(mystery_heads('Ada').W_E.double().sum().item())"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(seen) == pytest.approx(mystery_heads("Ada").W_E.double().sum().item())


@pytest.mark.parametrize("make", [mystery_heads, mystery_circuit])
def test_building_one_is_quick(make):
    make("warm")
    assert min(elapsed(lambda: make("Ada")) for _ in range(5)) < 0.05
