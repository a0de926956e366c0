"""compositions: against numpy on one pair of heads at a time, and heads that read what one other head writes."""

import numpy as np
import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake, raises
from graders.induction_heads import kit as ours

AXES = "earlier_head later_head"
SIZES = {"d_vocab": 11, "d_model": 8, "n_ctx": 9, "n_layers": 3, "n_heads": 4, "d_head": 5, "d_mlp": 7}


def _slowly(model, kind, earlier, later):
    def weights(layer, name, head):
        return getattr(model.blocks[layer].attn, name)[head].detach().double().numpy()

    scores = np.zeros((model.config.n_heads, model.config.n_heads))
    for i in range(model.config.n_heads):
        for j in range(model.config.n_heads):
            a = weights(earlier, "W_V", i) @ weights(earlier, "W_O", i)
            q, k, v, o = (weights(later, f"W_{name}", j) for name in "QKVO")
            b = {"Q": q @ k.T, "K": k @ q.T, "V": v @ o}[kind]
            scores[i, j] = np.linalg.norm(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return torch.from_numpy(scores).float()


def test_shape(submission, kit, rand):
    """One score for each head of the earlier layer and each head of the later one."""
    scores = submission.compositions(kit.random_transformer(rand.seed, **SIZES), "K")
    compare(scores, torch.zeros(4, 4), what="the result", axes=AXES, atol=torch.inf)


@pytest.mark.parametrize("kind", ["Q", "K", "V"])
def test_one_pair_of_heads_at_a_time(submission, kit, rand, kind):
    """Layer 0 with layer 1: what each of its heads writes, in the query, key or value of each head."""
    expected = _slowly(ours.random_transformer(rand.seed, **SIZES), kind, 0, 1)
    scores = submission.compositions(kit.random_transformer(rand.seed, **SIZES), kind)
    compare(scores, expected, what=f'the result for kind "{kind}"', axes=AXES)


@pytest.mark.parametrize("kind, earlier, later", [("Q", 1, 2), ("K", 0, 2), ("V", 1, 2), ("K", 1, 2), ("V", 0, 2)])
def test_other_layers(submission, kit, rand, kind, earlier, later):
    """The layers are those that `earlier` and `later` name."""
    expected = _slowly(ours.random_transformer(rand.seed, **SIZES), kind, earlier, later)
    scores = submission.compositions(kit.random_transformer(rand.seed, **SIZES), kind, earlier=earlier, later=later)
    compare(scores, expected, what=f'the result for kind "{kind}", layers {earlier} and {later}', axes=AXES)


def test_a_head_whose_key_reads_one_other_head(submission, kit, rand):
    """Head 1 writes the dimensions 0 and 1, and only they reach the keys of the later head 2: K alone is not 0."""
    weights = ours.random_transformer(rand.seed, **SIZES).state_dict()
    writes, key, query, value = (torch.zeros(8) for _ in range(4))
    writes[:2], key[:2], query[2:5], value[5:] = 1, 1, 1, 1
    weights["blocks.0.attn.W_O"][1] *= writes
    for name, reads in {"W_K": key, "W_Q": query, "W_V": value}.items():
        weights[f"blocks.1.attn.{name}"][2] *= reads[:, None]
    model = kit.loaded_transformer(weights, **SIZES)
    for kind in "QKV":
        score = submission.compositions(model, kind)
        compare(score, torch.zeros(4, 4), what="the result", axes=AXES, atol=torch.inf)
        if kind == "K":
            large = score[1, 2].item()
            assert large > 0.2, (
                f'Kind "K": head 1 writes what head 2 reads with its key, but entry [1, 2] is {large:.3f}.'
            )
        else:
            what = f'kind "{kind}": entry [1, 2], where head 2 reads nothing of what head 1 writes,'
            compare(score[1, 2], torch.tensor(0.0), what=what)


@pytest.mark.parametrize("kind", ["X", "k", "QK", ""])
def test_no_other_kind(submission, kit, rand, kind):
    """Any kind but "Q", "K" and "V" raises a ValueError, a small letter too."""
    model = kit.random_transformer(rand.seed, **SIZES)
    with raises("ValueError"):
        submission.compositions(model, kind)


def _matrices(model, kind, earlier, later):
    """W_OV of each head of the earlier layer, and what kind makes of the later one's; ValueError for another kind."""
    first, second = model.blocks[earlier].attn, model.blocks[later].attn
    if kind not in ("Q", "K", "V"):
        raise ValueError("kind must be 'Q', 'K' or 'V'.")
    W_QK, W_OV = second.W_Q @ second.W_K.mT, second.W_V @ second.W_O
    return first.W_V @ first.W_O, {"Q": W_QK, "K": W_QK.mT, "V": W_OV}[kind]


def _scores(W_A, W_B):
    return ref.composition_score(W_A[:, None], W_B[None])


@mistake('For "K" you take W_QK as it stands; the key reads on the other side: transpose it.')
def key_not_transposed(model, kind, earlier=0, later=1):
    return ref.compositions(model, "Q" if kind == "K" else kind, earlier, later)


@mistake('For "Q" you transpose W_QK too; only the key reads on its other side.')
def both_transposed(model, kind, earlier=0, later=1):
    return ref.compositions(model, "K" if kind == "Q" else kind, earlier, later)


@mistake('For "Q" you transpose W_QK, and for "K" you do not; it is the other way round.')
def query_and_key_swapped(model, kind, earlier=0, later=1):
    return ref.compositions(model, {"Q": "K", "K": "Q"}.get(kind, kind), earlier, later)


@mistake('For "V" you transpose W_OV; a value reads from the left, as it stands.')
def value_transposed(model, kind, earlier=0, later=1):
    W_A, W_B = _matrices(model, kind, earlier, later)
    return _scores(W_A, W_B.mT if kind == "V" else W_B)


@mistake('For "Q" B is W_Q alone; take W_QK = W_Q W_K^T, and W_QK^T for "K".')
def one_factor_for_queries_and_keys(model, kind, earlier=0, later=1):
    W_A, W_B = _matrices(model, kind, earlier, later)
    attn = model.blocks[later].attn
    return _scores(W_A, {"Q": attn.W_Q, "K": attn.W_K, "V": W_B}[kind])


@mistake("B is W_Q, W_K or W_V alone; take W_QK, W_QK^T or W_OV = W_V W_O.")
def one_factor(model, kind, earlier=0, later=1):
    W_A, _ = _matrices(model, kind, earlier, later)
    return _scores(W_A, getattr(model.blocks[later].attn, f"W_{kind}"))


@mistake("A is W_O alone; what a head writes of what it reads is W_OV = W_V W_O.")
def output_matrix_alone(model, kind, earlier=0, later=1):
    _, W_B = _matrices(model, kind, earlier, later)
    return _scores(model.blocks[earlier].attn.W_O, W_B)


@mistake("You take the earlier head's W_QK for A; what it writes is made by W_OV.")
def reads_for_writes(model, kind, earlier=0, later=1):
    _, W_B = _matrices(model, kind, earlier, later)
    attn = model.blocks[earlier].attn
    return _scores(attn.W_Q @ attn.W_K.mT, W_B)


@mistake("You multiply in the wrong order, W_B W_A: the earlier head's matrix comes first, since vectors are rows.")
def later_matrix_first(model, kind, earlier=0, later=1):
    W_A, W_B = _matrices(model, kind, earlier, later)
    return ref.composition_score(W_B[None], W_A[:, None])


@mistake("Your result is transposed: the earlier head is the first axis.")
def later_by_earlier(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind, earlier, later).T


@mistake("You have exchanged the layers: `earlier` writes and `later` reads.")
def layers_exchanged(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind, later, earlier)


@mistake("You take the layer after `earlier`, whatever `later` says.")
def always_the_next_layer(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind, earlier, earlier + 1)


@mistake("You always take the layers 0 and 1; use `earlier` and `later`.")
def always_layers_0_and_1(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind)


@mistake("You pair each head with the one of the same number only; score every head with every other.")
def same_numbers_only(model, kind, earlier=0, later=1):
    W_A, W_B = _matrices(model, kind, earlier, later)
    return ref.composition_score(W_A, W_B)


@mistake("You subtract the random baseline; here nothing is subtracted.")
def baseline_subtracted(model, kind, earlier=0, later=1):
    attn = model.blocks[earlier].attn
    return ref.compositions(model, kind, earlier, later) - ref.random_composition(attn.W_V.shape[1], attn.W_V.shape[2])


@mistake("Another kind raises no ValueError: check `kind` before you use it.")
def no_error(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind if kind in ("Q", "K") else "V", earlier, later)


@mistake('You accept small letters and longer words; the kind is exactly "Q", "K" or "V".')
def lenient(model, kind, earlier=0, later=1):
    return ref.compositions(model, kind[:1].upper(), earlier, later)


@mistake("Another kind raises a KeyError from your dict; a ValueError is asked, which says what was wrong.")
def key_error(model, kind, earlier=0, later=1):
    if kind not in ("Q", "K", "V"):
        raise KeyError(kind)
    return ref.compositions(model, kind, earlier, later)


@mistake("You compose with the sum of the later layer's heads; each of them reads on its own.")
def later_heads_summed(model, kind, earlier=0, later=1):
    W_A, W_B = _matrices(model, kind, earlier, later)
    return _scores(W_A, W_B.sum(dim=0, keepdim=True).expand_as(W_B))
