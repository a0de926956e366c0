"""qk_circuit: the matrix that the factors stand for, against dot products of one query and one key at a time in numpy.

The factors may be split anywhere: the kit multiplies them on the learner's side, and only the product is compared.
"""

import numpy as np
import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake
from graders.induction_heads import kit as ours

AXES = "query_token key_token"
SIZES = {"d_vocab": 11, "d_model": 8, "n_ctx": 11, "n_layers": 3, "n_heads": 4, "d_head": 5, "d_mlp": 7}
LARGE = SIZES | {"d_vocab": 3000}
HINT = "Return Factored(left, right), whose product is the circuit."


def _check(submission, kit, rand, layer, head, expected, **tolerance):
    model = kit.random_transformer(rand.seed, **SIZES)
    matrix = kit.matrix_of(submission.qk_circuit, model, layer, head)
    compare(matrix, expected, what="the circuit's matrix", axes=AXES, hint=HINT, **tolerance)


def test_shape(submission, kit, rand):
    """The circuit is a matrix of d_vocab by d_vocab."""
    model = kit.random_transformer(rand.seed, **SIZES)
    matrix = kit.matrix_of(submission.qk_circuit, model, 1, 2)
    compare(matrix, torch.zeros(11, 11), what="the circuit's matrix", axes=AXES, atol=torch.inf, hint=HINT)


def test_weights_worked_by_hand(submission, kit):
    """Embeddings (1, 0), (0, 1), (2, 3), W_Q = (1, 2), W_K = (3, -1): queries are 1, 2, 8 and keys 3, -1, 3."""
    sizes = SIZES | {"d_vocab": 3, "d_model": 2, "d_head": 1, "n_layers": 1, "n_heads": 2}
    weights = ours.random_transformer(0, **sizes).state_dict()
    weights["W_E"] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
    weights["blocks.0.attn.W_Q"][1] = torch.tensor([[1.0], [2.0]])
    weights["blocks.0.attn.W_K"][1] = torch.tensor([[3.0], [-1.0]])
    matrix = kit.matrix_of(submission.qk_circuit, kit.loaded_transformer(weights, **sizes), 0, 1)
    expected = torch.tensor([[3.0, -1.0, 3.0], [6.0, -2.0, 6.0], [24.0, -8.0, 24.0]])
    compare(matrix, expected, what="the circuit's matrix", axes=AXES, hint=HINT)


@pytest.mark.parametrize("layer, head", [(0, 0), (0, 3), (1, 2), (2, 1)])
def test_one_query_and_one_key_at_a_time(submission, kit, rand, layer, head):
    """Entry [i, j] is the dot product of the query of token i's embedding with the key of token j's."""
    model = ours.random_transformer(rand.seed, **SIZES)
    attn = model.blocks[layer].attn
    W_E, W_Q, W_K = (w.detach().double().numpy() for w in (model.W_E, attn.W_Q[head], attn.W_K[head]))
    expected = [[np.dot(query @ W_Q, key @ W_K) for key in W_E] for query in W_E]
    _check(submission, kit, rand, layer, head, torch.tensor(expected, dtype=torch.float32))


def test_the_large_matrix_is_never_made(submission, kit, rand):
    """With d_vocab = 3000 nothing as large as d_vocab x d_vocab is made: in GPT-2 it would take 10 GB."""
    model = kit.random_transformer(rand.seed, **LARGE)
    too_large = kit.makes_a_tensor_above(3000 * 3000 // 4, submission.qk_circuit, model, 1, 3)
    assert not too_large, (
        "Your code makes a matrix of d_vocab x d_vocab. Keep it as a product: Factored(left, right) with left [d_vocab, d_head] "
        "and right [d_head, d_vocab]."
    )


def _attn(model, layer):
    return model.blocks[layer].attn


def _from_vectors(queries, keys):
    return ref.Factored(queries, keys.T)


@mistake("Your circuit is transposed: rows are the query's tokens, columns the key's.")
def key_by_query(model, layer, head):
    attn = _attn(model, layer)
    return _from_vectors(model.W_E @ attn.W_K[head], model.W_E @ attn.W_Q[head])


@mistake("You take W_V for W_K; keys are made by W_K.")
def values_for_keys(model, layer, head):
    attn = _attn(model, layer)
    return _from_vectors(model.W_E @ attn.W_Q[head], model.W_E @ attn.W_V[head])


@mistake("You take W_Q on both sides; keys are made by W_K.")
def queries_on_both_sides(model, layer, head):
    queries = model.W_E @ _attn(model, layer).W_Q[head]
    return _from_vectors(queries, queries)


@mistake("You take W_K on both sides; queries are made by W_Q.")
def keys_on_both_sides(model, layer, head):
    keys = model.W_E @ _attn(model, layer).W_K[head]
    return _from_vectors(keys, keys)


@mistake("You divide by sqrt(d_head); the circuit is the plain product.")
def scaled(model, layer, head):
    attn = _attn(model, layer)
    return _from_vectors(model.W_E @ attn.W_Q[head] / attn.W_Q.shape[-1] ** 0.5, model.W_E @ attn.W_K[head])


@mistake("This is W_Q W_K^T, from d_model to d_model: put the embeddings on both sides.")
def without_embeddings(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(attn.W_Q[head], attn.W_K[head].T)


@mistake("You embed the query's tokens only; the key's are embedded too: W_K^T W_E^T on the right.")
def embeds_queries_only(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_Q[head], attn.W_K[head].T)


@mistake("You use W_U for the key's tokens; a key reads embeddings, W_E, like a query.")
def unembedding_for_keys(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_Q[head], attn.W_K[head].T @ model.W_U)


@mistake("You add b_Q and b_K; biases are left out, so that the circuit is linear in both tokens.")
def with_biases(model, layer, head):
    attn = _attn(model, layer)
    queries, keys = model.W_E @ attn.W_Q[head] + attn.b_Q[head], model.W_E @ attn.W_K[head] + attn.b_K[head]
    return _from_vectors(queries, keys)


@mistake("You apply ln1 to the embeddings; LayerNorm is left out.")
def with_layer_norm(model, layer, head):
    attn, x = _attn(model, layer), model.blocks[layer].ln1(model.W_E)
    return _from_vectors(x @ attn.W_Q[head], x @ attn.W_K[head])


@mistake("You multiply the embeddings by ln1.weight; LayerNorm is left out, its weight too.")
def with_layer_norm_weight(model, layer, head):
    attn, x = _attn(model, layer), model.W_E * model.blocks[layer].ln1.weight
    return _from_vectors(x @ attn.W_Q[head], x @ attn.W_K[head])


@mistake("You subtract the embeddings' mean over the vocabulary; take W_E as it is.")
def centred(model, layer, head):
    attn, x = _attn(model, layer), model.W_E - model.W_E.mean(dim=0)
    return _from_vectors(x @ attn.W_Q[head], x @ attn.W_K[head])


@mistake("You subtract each embedding's own mean, as a LayerNorm would; take W_E as it is.")
def centred_over_d_model(model, layer, head):
    attn, x = _attn(model, layer), model.W_E - model.W_E.mean(dim=1, keepdim=True)
    return _from_vectors(x @ attn.W_Q[head], x @ attn.W_K[head])


@mistake("You add position embeddings; the circuit is about tokens alone.")
def with_positions(model, layer, head):
    attn, x = _attn(model, layer), model.W_E + model.W_pos[0]
    return _from_vectors(x @ attn.W_Q[head], x @ attn.W_K[head])


@mistake("You sum over all heads of the layer; take the one that is named.")
def all_heads(model, layer, head):
    attn = _attn(model, layer)
    left = [model.W_E @ W_Q for W_Q in attn.W_Q]
    right = [(model.W_E @ W_K).T for W_K in attn.W_K]
    return ref.Factored(torch.cat(left, dim=1), torch.cat(right, dim=0))


@mistake("You take head 0 whatever `head` says.")
def always_head_0(model, layer, head):
    return ref.qk_circuit(model, layer, 0)


@mistake("You take layer 0 whatever `layer` says.")
def always_layer_0(model, layer, head):
    return ref.qk_circuit(model, 0, head)


@mistake("Layer and head have changed places: blocks[layer], then W_Q[head].")
def layer_and_head_swapped(model, layer, head):
    return ref.qk_circuit(model, head, layer)


@mistake("You make the full matrix; return its two factors, so that it is never made.")
def full_matrix(model, layer, head):
    return ref.qk_circuit(model, layer, head).full()
