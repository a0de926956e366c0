"""faithfulness: against the fraction worked out from runs by hand."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 7}
HEADS = [(layer, head) for layer in range(2) for head in range(3)]


def _metric_by_hand(model, tokens, circuit, reference, metric):
    """The metric with all heads outside the circuit at their mean; None: the model as it is."""
    seen = run_by_hand(model, reference)[1]

    def exchange(layer, name):
        def change(z):
            for head in range(z.shape[2]):
                if (layer, head) not in circuit:
                    z[:, :, head] = seen[name][:, :, head].mean(dim=0)
            return z

        return change

    names = [f"blocks.{layer}.attn.hook_z" for layer in range(len(model.blocks))]
    changes = {} if circuit is None else {name: exchange(layer, name) for layer, name in enumerate(names)}
    return float(metric(run_by_hand(model, tokens, changes)[0]))


def _inputs(rand):
    return rand.integers(11, 3, 6), rand.integers(11, 4, 6), rand.normal(3, 6, 11)


@pytest.mark.parametrize("circuit", [[(0, 1)], [(1, 2), (0, 0)], HEADS[1:]], ids=["one", "two", "five"])
def test_the_fraction(submission, kit, rand, circuit):
    """(circuit - empty) / (full - empty), each by the metric that is handed in."""
    tokens, reference, weights = _inputs(rand)
    model, metric = ours.random_transformer(rand.seed, **SIZES), ours.uneven_metric(weights)
    kept, empty, full = (_metric_by_hand(model, tokens, c, reference, metric) for c in (circuit, [], None))
    found = submission.faithfulness(
        kit.random_transformer(rand.seed, **SIZES), tokens, circuit, reference, kit.uneven_metric(weights)
    )
    compare(found, (kept - empty) / (full - empty), what="the faithfulness", atol=1e-3)


@pytest.mark.parametrize("circuit, expected", [([], 0.0), (HEADS, 1.0)], ids=["empty", "all"])
def test_the_ends_of_the_scale(submission, kit, rand, circuit, expected):
    """The empty circuit scores 0 and all heads together score 1."""
    tokens, reference, weights = _inputs(rand)
    found = submission.faithfulness(
        kit.random_transformer(rand.seed, **SIZES), tokens, circuit, reference, kit.uneven_metric(weights)
    )
    compare(found, expected, what="the faithfulness", atol=1e-3)


def test_a_larger_model(submission, kit, rand):
    """Models have any number of layers and heads; a circuit may come as a tuple. The result is a number."""
    tokens, reference, weights = _inputs(rand)
    sizes = SIZES | {"n_layers": 4, "n_heads": 5, "d_head": 2}
    circuit = ((3, 0), (1, 4), (3, 2))
    model, metric = ours.random_transformer(rand.seed, **sizes), ours.uneven_metric(weights)
    kept, empty, full = (_metric_by_hand(model, tokens, c, reference, metric) for c in (circuit, (), None))
    found = submission.faithfulness(
        kit.random_transformer(rand.seed, **sizes), tokens, circuit, reference, kit.uneven_metric(weights)
    )
    compare(found, (kept - empty) / (full - empty), what="the faithfulness", atol=1e-3)
    assert not getattr(found, "requires_grad", False), "The result hangs on a graph of gradients: return a number."


@pytest.mark.parametrize("score", [2.005, -1.005])
def test_it_is_not_cut_off(submission, kit, rand, score):
    """A circuit may score above 1 or below 0."""
    tokens, reference, _ = _inputs(rand)
    model, circuit = ours.random_transformer(rand.seed, **SIZES), [(0, 1), (1, 2)]
    shape = (len(tokens), tokens.shape[1], SIZES["d_vocab"])

    def features(kept):  # the metric is the sum of these, times its weights
        each = []
        _metric_by_hand(model, tokens, kept, reference, lambda logits: each.append(logits + 0.1 * logits**2) or 0.0)
        return each[0].flatten()

    kept, empty, full = features(circuit), features([]), features(None)
    # The shortest weights by which the full model stands 1 above the empty one, and the circuit `score` above it.
    weights = torch.linalg.pinv(torch.stack([kept - empty, full - empty])) @ torch.tensor([score, 1.0])
    metric = kit.uneven_metric(10 * weights.reshape(shape))
    found = submission.faithfulness(kit.random_transformer(rand.seed, **SIZES), tokens, circuit, reference, metric)
    compare(found, score, what="the faithfulness", atol=1e-3)


def _fraction(model, tokens, circuit, reference, metric, fraction):
    with torch.no_grad():
        full = metric(model(tokens)).item()
        kept, empty = (metric(ref.mean_ablate_except(model, tokens, c, reference)).item() for c in (circuit, []))
    return fraction(kept, empty, full)


@mistake("Nothing is subtracted: measure from the model in which all heads are ablated.")
def no_baseline(model, tokens, circuit, reference_tokens, metric):
    return _fraction(model, tokens, circuit, reference_tokens, metric, lambda kept, empty, full: kept / full)


@mistake("The denominator is the full model's metric: subtract the empty circuit's there too.")
def baseline_above_only(model, tokens, circuit, reference_tokens, metric):
    return _fraction(model, tokens, circuit, reference_tokens, metric, lambda kept, empty, full: (kept - empty) / full)


@mistake("That is what the circuit leaves undone: 1 minus the faithfulness.")
def what_is_missing(model, tokens, circuit, reference_tokens, metric):
    return _fraction(
        model, tokens, circuit, reference_tokens, metric, lambda kept, empty, full: (full - kept) / (full - empty)
    )


@mistake("The fraction is upside down.")
def upside_down(model, tokens, circuit, reference_tokens, metric):
    if not circuit:
        return 0.0
    return _fraction(
        model, tokens, circuit, reference_tokens, metric, lambda kept, empty, full: (full - empty) / (kept - empty)
    )


@mistake("The score is cut off at 0 and 1: a circuit may score outside, and that says something.")
def cut_off(model, tokens, circuit, reference_tokens, metric):
    return min(1.0, max(0.0, ref.faithfulness(model, tokens, circuit, reference_tokens, metric)))


@mistake("The baseline is the model on the reference prompts: it is the model on the prompts, with all heads ablated.")
def baseline_on_reference(model, tokens, circuit, reference_tokens, metric):
    with torch.no_grad():
        full = metric(model(tokens)).item()
        kept = metric(ref.mean_ablate_except(model, tokens, circuit, reference_tokens)).item()
        empty = metric(model(reference_tokens[: len(tokens)])).item()
    return (kept - empty) / (full - empty)


@mistake("You measured the heads outside the circuit.")
def the_others(model, tokens, circuit, reference_tokens, metric):
    heads = [(layer, head) for layer in range(len(model.blocks)) for head in range(len(model.blocks[layer].attn.W_O))]
    others = [head for head in heads if head not in [tuple(h) for h in circuit]]
    return ref.faithfulness(model, tokens, others, reference_tokens, metric)


@mistake("The absolute value hides that a circuit can work against the model.")
def absolute(model, tokens, circuit, reference_tokens, metric):
    return abs(ref.faithfulness(model, tokens, circuit, reference_tokens, metric))
