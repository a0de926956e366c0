"""Grades `residual_stack`. Oracles: the forward pass by hand, and each head's output computed number by number."""

import einops
import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the stack", "component batch pos d_model"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 6}


def draw(kit, rand, batch=2, n_pos=5, **sizes):
    """The model on the learner's side, the same on ours, and all activations of a run of it."""
    sizes = SIZES | sizes
    model = same_model(rand.seed, **sizes)
    cache = run_with_cache(model, rand.integers(sizes["d_vocab"], batch, n_pos))[1]
    return kit.random_transformer(rand.seed, **sizes), model, cache


def expected_stack(model, cache):
    """Component by component: what is in the cache, and each head's output as a sum over d_head."""
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer, block in enumerate(model.blocks):
        z = cache[f"blocks.{layer}.attn.hook_z"]
        for head, W_O in enumerate(block.attn.W_O.detach()):
            parts.append(sum(z[:, :, head, i, None] * W_O[i] for i in range(len(W_O))))
        parts.append(block.attn.b_O.detach().expand_as(parts[0]))
        parts.append(cache[f"blocks.{layer}.hook_mlp_out"])
    return torch.stack(parts)


@pytest.mark.parametrize("n_layers, n_heads", [(2, 3), (3, 2)])
def test_shape(submission, kit, rand, n_layers, n_heads):
    """There are 2 components for the embeddings and n_heads + 2 for each layer."""
    theirs, _, cache = draw(kit, rand, n_layers=n_layers, n_heads=n_heads)
    expected = torch.zeros(2 + n_layers * (n_heads + 2), 2, 5, 7)
    compare(submission.residual_stack(theirs, cache), expected, what=WHAT, axes=AXES, atol=torch.inf)


def test_the_sum_is_the_final_stream(submission, kit, rand):
    """Nothing is missing and nothing counted twice: the sum over components is the stream after the last layer."""
    theirs, model, _ = draw(kit, rand)
    tokens = rand.integers(11, 3, 4)
    stream = run_by_hand(model, tokens)[1]["blocks.1.hook_resid_post"]
    out = submission.residual_stack(theirs, run_with_cache(model, tokens)[1])
    assert isinstance(out, torch.Tensor) and out.ndim == 4, "The result should be a tensor with 4 axes."
    compare(out.sum(dim=0), stream, what="the sum over components", axes="batch pos d_model", atol=1e-3)


def test_the_embeddings(submission, kit, rand):
    """The first two components are the token embedding and the position embedding."""
    theirs, model, _ = draw(kit, rand)
    tokens = rand.integers(11, 3, 4)
    expected = torch.stack([model.W_E[tokens], model.W_pos[:4].expand(3, 4, 7)]).detach()
    out = submission.residual_stack(theirs, run_with_cache(model, tokens)[1])
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    compare(out[:2], expected, what="the stack's part for the two embeddings", axes=AXES)


def test_the_heads(submission, kit, rand):
    """After the embeddings come the heads of layer 0, in order: each head's z times its own W_O, without any bias."""
    theirs, model, cache = draw(kit, rand)
    out = submission.residual_stack(theirs, cache)
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    expected = expected_stack(model, cache)[2:5]
    compare(out[2:5], expected, what="the stack's part for layer 0's heads", axes=AXES)


@pytest.mark.parametrize("n_layers, n_heads, batch, n_pos", [(2, 3, 2, 5), (3, 2, 3, 4), (1, 4, 2, 3), (2, 2, 4, 1)])
def test_every_component(submission, kit, rand, n_layers, n_heads, batch, n_pos):
    """Each component stands in its place: embeddings; then for each layer its heads, its b_O and its MLP."""
    theirs, model, cache = draw(kit, rand, batch, n_pos, n_layers=n_layers, n_heads=n_heads)
    out = submission.residual_stack(theirs, cache)
    compare(out, expected_stack(model, cache), what=WHAT, axes=AXES)


def test_from_another_cache(submission, kit, rand):
    """The numbers come from the cache that is given: exchange one head's z in it, and this head's component changes."""
    theirs, model, cache = draw(kit, rand)
    z = cache["blocks.1.attn.hook_z"].clone()
    z[:, :, 2] = rand.normal(2, 5, 4)
    cache["blocks.1.attn.hook_z"] = z
    out = submission.residual_stack(theirs, cache)
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    compare(out[9], expected_stack(model, cache)[9], what="the component of head 1.2", axes="batch pos d_model")


def test_a_model_without_mlps(submission, kit, rand):
    """In a model whose MLPs write nothing, their components are there and are zero."""
    model = ours.without_mlps(ours.random_transformer(rand.seed, **SIZES))
    theirs = kit.without_mlps(kit.random_transformer(rand.seed, **SIZES))
    cache = run_with_cache(model, rand.integers(11, 2, 6))[1]
    compare(submission.residual_stack(theirs, cache), expected_stack(model, cache), what=WHAT, axes=AXES)


def embeddings(cache):
    return [cache["hook_embed"], cache["hook_pos_embed"]]


def heads_of(model, cache, layer, site="z"):
    z = cache[f"blocks.{layer}.attn.hook_{site}"]
    return list(torch.einsum("bphd,hdm->hbpm", z, model.blocks[layer].attn.W_O))


def bias_of(model, cache, layer):
    return model.blocks[layer].attn.b_O.expand_as(cache["hook_embed"])


def mlp_of(cache, layer):
    return cache[f"blocks.{layer}.hook_mlp_out"]


def stack(model, cache, of_layer):
    """Embeddings, then of_layer(layer): its components as a list."""
    layers = range(len(model.blocks))
    return torch.stack(embeddings(cache) + [part for layer in layers for part in of_layer(layer)])


@mistake("b_O is missing: attention adds it once a layer, besides the heads, and it has a component of its own.")
def no_b_O(model, cache):
    return stack(model, cache, lambda i: [*heads_of(model, cache, i), mlp_of(cache, i)])


@mistake("b_O's component is zero: attention adds model.blocks[layer].attn.b_O at every position.")
def b_O_is_zero(model, cache):
    return stack(model, cache, lambda i: [*heads_of(model, cache, i), 0 * bias_of(model, cache, i), mlp_of(cache, i)])


@mistake("You add b_O to every head, and then once more: it belongs to no head, and to its own component only.")
def b_O_in_every_head(model, cache):
    def of_layer(i):
        bias = bias_of(model, cache, i)
        return [*(head + bias for head in heads_of(model, cache, i)), bias, mlp_of(cache, i)]

    return stack(model, cache, of_layer)


@mistake("You share b_O out among the heads: it belongs to none of them, and has a component of its own.")
def b_O_shared_out(model, cache):
    def of_layer(i):
        bias, heads = bias_of(model, cache, i), heads_of(model, cache, i)
        return [*(head + bias / len(heads) for head in heads), 0 * bias, mlp_of(cache, i)]

    return stack(model, cache, of_layer)


@mistake("b_O stands before its layer's heads: the order is heads, b_O, MLP.")
def b_O_first(model, cache):
    return stack(model, cache, lambda i: [bias_of(model, cache, i), *heads_of(model, cache, i), mlp_of(cache, i)])


@mistake("The MLP stands before b_O: the order is heads, b_O, MLP.")
def b_O_last(model, cache):
    return stack(model, cache, lambda i: [*heads_of(model, cache, i), mlp_of(cache, i), bias_of(model, cache, i)])


@mistake("The position embedding is missing.")
def no_position_embedding(model, cache):
    return torch.cat([cache["hook_embed"][None], ref.residual_stack(model, cache)[2:]])


@mistake(
    "The first component is the sum of both embeddings, blocks.0.hook_resid_pre, where the token's alone is asked."
)
def embeddings_together(model, cache):
    parts = ref.residual_stack(model, cache).clone()
    parts[0] += parts[1]
    return parts


@mistake("The two embeddings are one component: give the token embedding and the position embedding one each.")
def embeddings_in_one(model, cache):
    return torch.cat([cache["blocks.0.hook_resid_pre"][None], ref.residual_stack(model, cache)[2:]])


@mistake("The position embedding comes first: the token embedding does.")
def embeddings_swapped(model, cache):
    parts = ref.residual_stack(model, cache)
    return torch.cat([parts[1:2], parts[:1], parts[2:]])


@mistake("There is one component for each attention layer: take it apart into its heads and b_O.")
def attention_in_one(model, cache):
    return stack(model, cache, lambda i: [cache[f"blocks.{i}.hook_attn_out"], mlp_of(cache, i)])


@mistake("You multiply v by W_O: what a head writes is its z, the values mixed by the pattern, times W_O.")
def values_for_z(model, cache):
    return stack(model, cache, lambda i: [*heads_of(model, cache, i, "v"), bias_of(model, cache, i), mlp_of(cache, i)])


@mistake("All heads of a layer write through the first head's W_O: use W_O[head].")
def W_O_of_the_first_head(model, cache):
    def of_layer(i):
        z, W_O = cache[f"blocks.{i}.attn.hook_z"], model.blocks[i].attn.W_O[0]
        return [*(z @ W_O).unbind(dim=2), bias_of(model, cache, i), mlp_of(cache, i)]

    return stack(model, cache, of_layer)


@mistake("All layers use layer 0's W_O: take it from model.blocks[layer].")
def W_O_of_the_first_layer(model, cache):
    def of_layer(i):
        z = cache[f"blocks.{i}.attn.hook_z"]
        heads = einops.einsum(z, model.blocks[0].attn.W_O, "b p h d, h d m -> h b p m")
        return [*heads, bias_of(model, cache, i), mlp_of(cache, i)]

    return stack(model, cache, of_layer)


@mistake("Your heads are scaled by 1 / n_heads: attention sums its heads, it does not average them.")
def heads_averaged(model, cache):
    def of_layer(i):
        heads = heads_of(model, cache, i)
        return [*(head / len(heads) for head in heads), bias_of(model, cache, i), mlp_of(cache, i)]

    return stack(model, cache, of_layer)


@mistake("The MLP's output lacks its bias: hook_mlp_out has it.")
def mlp_without_bias(model, cache):
    def of_layer(i):
        return [*heads_of(model, cache, i), bias_of(model, cache, i), mlp_of(cache, i) - model.blocks[i].mlp.b_out]

    return stack(model, cache, of_layer)


@mistake("These are streams, sums of all that came before: a component is what was added, such as hook_mlp_out.")
def running_sums(model, cache):
    return ref.residual_stack(model, cache).cumsum(dim=0)


@mistake("The MLPs are missing.")
def no_mlps(model, cache):
    return stack(model, cache, lambda i: [*heads_of(model, cache, i), bias_of(model, cache, i)])


@mistake("The last layer is missing: range(n_layers) ends at n_layers - 1 by itself.")
def without_the_last_layer(model, cache):
    return torch.stack(
        embeddings(cache)
        + [
            part
            for i in range(len(model.blocks) - 1)
            for part in [*heads_of(model, cache, i), bias_of(model, cache, i), mlp_of(cache, i)]
        ]
    )


@mistake("All heads come first and the biases and MLPs after them: go layer by layer.")
def sorted_by_kind(model, cache):
    layers = range(len(model.blocks))
    parts = embeddings(cache) + [head for i in layers for head in heads_of(model, cache, i)]
    parts += [bias_of(model, cache, i) for i in layers] + [mlp_of(cache, i) for i in layers]
    return torch.stack(parts)


@mistake("The component axis is the second: it comes first, [component, batch, pos, d_model].")
def batch_first(model, cache):
    return ref.residual_stack(model, cache).transpose(0, 1)


@mistake("This is the last position only: keep them all.")
def last_position_only(model, cache):
    return ref.residual_stack(model, cache)[:, :, -1]
