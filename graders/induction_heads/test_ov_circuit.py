"""ov_circuit: the matrix that the factors stand for, against one source token at a time in numpy.

The factors may be split anywhere: the kit multiplies them on the learner's side, and only the product is compared.
"""

import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake
from graders.induction_heads import kit as ours

AXES = "source_token output_token"
SIZES = {"d_vocab": 11, "d_model": 8, "n_ctx": 11, "n_layers": 3, "n_heads": 4, "d_head": 5, "d_mlp": 7}
LARGE = SIZES | {"d_vocab": 3000}
HINT = "Return Factored(left, right), whose product is the circuit."


def test_shape(submission, kit, rand):
    """The circuit is a matrix of d_vocab by d_vocab."""
    model = kit.random_transformer(rand.seed, **SIZES)
    matrix = kit.matrix_of(submission.ov_circuit, model, 1, 2)
    compare(matrix, torch.zeros(11, 11), what="the circuit's matrix", axes=AXES, atol=torch.inf, hint=HINT)


def test_weights_worked_by_hand(submission, kit):
    """Embeddings (1, 0), (0, 1), (2, 3) and W_V = (1, 2) give values 1, 2, 8; W_O W_U turns 1 into the logits (5, -1, 2)."""
    sizes = SIZES | {"d_vocab": 3, "d_model": 2, "d_head": 1, "n_layers": 1, "n_heads": 2}
    weights = ours.random_transformer(0, **sizes).state_dict()
    weights["W_E"] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
    weights["blocks.0.attn.W_V"][1] = torch.tensor([[1.0], [2.0]])
    weights["blocks.0.attn.W_O"][1] = torch.tensor([[3.0, -1.0]])
    weights["W_U"] = torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    matrix = kit.matrix_of(submission.ov_circuit, kit.loaded_transformer(weights, **sizes), 0, 1)
    expected = torch.tensor([[5.0, -1.0, 2.0], [10.0, -2.0, 4.0], [40.0, -8.0, 16.0]])
    compare(matrix, expected, what="the circuit's matrix", axes=AXES, hint=HINT)


@pytest.mark.parametrize("layer, head", [(0, 0), (0, 3), (1, 2), (2, 1)])
def test_one_source_token_at_a_time(submission, kit, rand, layer, head):
    """Row i holds the logits of token i's embedding, sent through W_V, W_O and W_U."""
    model = ours.random_transformer(rand.seed, **SIZES)
    attn = model.blocks[layer].attn
    weights = (model.W_E, attn.W_V[head], attn.W_O[head], model.W_U)
    W_E, W_V, W_O, W_U = (w.detach().double().numpy() for w in weights)
    rows = [((source @ W_V) @ W_O) @ W_U for source in W_E]
    expected = torch.stack([torch.from_numpy(row) for row in rows]).float()
    matrix = kit.matrix_of(submission.ov_circuit, kit.random_transformer(rand.seed, **SIZES), layer, head)
    compare(matrix, expected, what="the circuit's matrix", axes=AXES, hint=HINT)


def test_the_large_matrix_is_never_made(submission, kit, rand):
    """With d_vocab = 3000 nothing as large as d_vocab x d_vocab is made: in GPT-2 it would take 10 GB."""
    model = kit.random_transformer(rand.seed, **LARGE)
    too_large = kit.makes_a_tensor_above(3000 * 3000 // 4, submission.ov_circuit, model, 1, 3)
    assert not too_large, (
        "Your code makes a matrix of d_vocab x d_vocab. Keep it as a product: Factored(left, right) with left [d_vocab, d_head] "
        "and right [d_head, d_vocab]."
    )


def _attn(model, layer):
    return model.blocks[layer].attn


@mistake("Your circuit is transposed: rows are the source's tokens, columns the output's.")
def output_by_source(model, layer, head):
    circuit = ref.ov_circuit(model, layer, head)
    return ref.Factored(circuit.right.T, circuit.left.T)


@mistake("You take W_K for W_V; what a head moves is made by W_V.")
def keys_for_values(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_K[head], attn.W_O[head] @ model.W_U)


@mistake("You take W_Q for W_V; what a head moves is made by W_V.")
def queries_for_values(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_Q[head], attn.W_O[head] @ model.W_U)


@mistake("You take W_V^T for W_O: a head writes with an output matrix of its own.")
def values_transposed_for_output(model, layer, head):
    W_V = _attn(model, layer).W_V[head]
    return ref.Factored(model.W_E @ W_V, W_V.T @ model.W_U)


@mistake("This is W_E W_V W_O, what is written into the stream: go on to the logits with W_U.")
def without_unembedding(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head], attn.W_O[head])


@mistake("This is W_V W_O, from d_model to d_model: W_E goes before it and W_U after it.")
def without_embeddings(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(attn.W_V[head], attn.W_O[head])


@mistake("You use W_E^T to read off the logits; this model has an unembedding of its own, W_U.")
def embedding_for_unembedding(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head], attn.W_O[head] @ model.W_E.T)


@mistake("You use W_U^T for the source's tokens; a head reads embeddings, W_E.")
def unembedding_for_embedding(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_U.T @ attn.W_V[head], attn.W_O[head] @ model.W_U)


@mistake("You add b_V; biases are left out, so that the circuit is linear in the token.")
def with_value_bias(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head] + attn.b_V[head], attn.W_O[head] @ model.W_U)


@mistake("You add b_O; it belongs to the layer, not to a head, and biases are left out.")
def with_output_bias(model, layer, head):
    attn = _attn(model, layer)
    written = model.W_E @ attn.W_V[head] @ attn.W_O[head] + attn.b_O
    return ref.Factored(written, model.W_U)


@mistake("You apply ln1 to the embeddings; LayerNorm is left out.")
def with_layer_norm(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.blocks[layer].ln1(model.W_E) @ attn.W_V[head], attn.W_O[head] @ model.W_U)


@mistake("You multiply by ln_final.weight before W_U; LayerNorm is left out, its weight too.")
def with_final_layer_norm_weight(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head], attn.W_O[head] * model.ln_final.weight @ model.W_U)


@mistake("You apply ln_final to what the head writes; LayerNorm is left out.")
def with_final_layer_norm(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.ln_final(model.W_E @ attn.W_V[head] @ attn.W_O[head]), model.W_U)


@mistake("You subtract the mean over the output tokens; take W_U as it is.")
def centred_unembedding(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head], attn.W_O[head] @ (model.W_U - model.W_U.mean(dim=1, keepdim=True)))


@mistake("You add position embeddings; the circuit is about tokens alone.")
def with_positions(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored((model.W_E + model.W_pos[0]) @ attn.W_V[head], attn.W_O[head] @ model.W_U)


@mistake("You add the direct path W_E W_U; the head's own part is asked, without the residual stream beside it.")
def with_direct_path(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ attn.W_V[head] @ attn.W_O[head] + model.W_E, model.W_U)


@mistake("You sum over all heads of the layer; take the one that is named.")
def all_heads(model, layer, head):
    attn = _attn(model, layer)
    return ref.Factored(model.W_E @ (attn.W_V @ attn.W_O).sum(dim=0), model.W_U)


@mistake("You take head 0 whatever `head` says.")
def always_head_0(model, layer, head):
    return ref.ov_circuit(model, layer, 0)


@mistake("You take layer 0 whatever `layer` says.")
def always_layer_0(model, layer, head):
    return ref.ov_circuit(model, 0, head)


@mistake("Layer and head have changed places: blocks[layer], then W_V[head].")
def layer_and_head_swapped(model, layer, head):
    return ref.ov_circuit(model, head, layer)


@mistake("You make the full matrix; return its two factors, so that it is never made.")
def full_matrix(model, layer, head):
    return ref.ov_circuit(model, layer, head).full()
