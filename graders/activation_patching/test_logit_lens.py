"""Grades `logit_lens`. Oracles: a forward pass by hand that stops early, and torch's layer_norm on every stream."""

import pytest
import torch
import torch.nn.functional as F

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the tensor of logits", "depth batch pos d_vocab"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 4, "d_mlp": 6, "ln_eps": 0.2}


def draw(kit, rand, batch=2, n_pos=5, **sizes):
    """The model on the learner's side, the same on ours, the tokens and all activations of a run on them."""
    sizes = SIZES | sizes
    model, tokens = same_model(rand.seed, **sizes), rand.integers(sizes["d_vocab"], batch, n_pos)
    return kit.random_transformer(rand.seed, **sizes), model, tokens, run_with_cache(model, tokens)[1]


def silenced(layer):
    """What to change in a run so that this layer adds nothing to the stream."""
    return {f"blocks.{layer}.hook_{name}": torch.zeros_like for name in ("attn_out", "mlp_out")}


@pytest.mark.parametrize("n_layers", [3, 2, 1])
def test_shape(submission, kit, rand, n_layers):
    """There are logits before each layer and after the last one: n_layers + 1."""
    theirs, _, _, cache = draw(kit, rand, n_layers=n_layers)
    out = submission.logit_lens(theirs, cache)
    compare(out, torch.zeros(n_layers + 1, 2, 5, 11), what=WHAT, axes=AXES, atol=torch.inf)


def test_the_last_are_the_models_own(submission, kit, rand):
    """After the last layer the logits are those that the model returned."""
    theirs, model, tokens, cache = draw(kit, rand, batch=3, n_pos=4)
    out = submission.logit_lens(theirs, cache)
    assert isinstance(out, torch.Tensor) and out.ndim == 4, "The result should be a tensor with 4 axes."
    compare(
        out[-1],
        run_by_hand(model, tokens)[0],
        what="the tensor of logits after the last layer",
        axes="batch pos d_vocab",
    )


def test_the_first_know_the_embeddings_only(submission, kit, rand):
    """Before layer 0 the stream is the token's and the position's embedding; that goes through ln_final and W_U."""
    theirs, model, tokens, cache = draw(kit, rand, batch=3, n_pos=4)
    stream = (model.W_E[tokens] + model.W_pos[:4]).detach()
    ln = model.ln_final
    expected = (F.layer_norm(stream, (7,), ln.weight, ln.bias, ln.eps) @ model.W_U).detach()
    out = submission.logit_lens(theirs, cache)
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    compare(out[0], expected, what="the tensor of logits before layer 0", axes="batch pos d_vocab")


@pytest.mark.parametrize("n_layers, batch, n_pos", [(3, 2, 5), (2, 4, 3), (4, 3, 1)])
def test_the_model_stops_early(submission, kit, rand, n_layers, batch, n_pos):
    """At each depth the logits are those of the model with all later layers silenced."""
    theirs, model, tokens, cache = draw(kit, rand, batch, n_pos, n_layers=n_layers)
    expected = []
    for depth in range(n_layers + 1):
        changes = {name: change for layer in range(depth, n_layers) for name, change in silenced(layer).items()}
        expected.append(run_by_hand(model, tokens, changes)[0])
    out = submission.logit_lens(theirs, cache)
    compare(out, torch.stack(expected), what=WHAT, axes=AXES, atol=1e-3)


def test_no_hook_is_left(submission, kit, rand):
    """Afterwards the model has no hook that it did not have before."""
    theirs, _, _, cache = draw(kit, rand)
    submission.logit_lens(theirs, cache)
    compare(kit.hooks_left(theirs), {}, what="the dict of hooks on the model")


def streams(model, cache, name="resid_pre"):
    """The stream in each layer, [n_layers, batch, pos, d_model]."""
    return torch.stack([cache[f"blocks.{layer}.hook_{name}"] for layer in range(len(model.blocks))])


def all_streams(model, cache):
    return torch.cat([streams(model, cache), streams(model, cache, "resid_post")[-1:]])


def centred(x):
    return x - x.mean(dim=-1, keepdim=True)


@mistake(
    "ln_final is missing: the unembedding reads normalised streams only, so send each through model.ln_final first."
)
def no_ln_final(model, cache):
    return all_streams(model, cache) @ model.W_U


@mistake(
    "You divide every stream by the scale of the last one. Here nothing is frozen: ln_final normalises each stream for "
    "itself, as if the model ended there."
)
def frozen_scale(model, cache):
    ln = model.ln_final
    return (centred(all_streams(model, cache)) / cache["ln_final.hook_scale"] * ln.weight + ln.bias) @ model.W_U


@mistake("ln_final's weight and bias are missing: call model.ln_final.")
def no_weight_and_bias(model, cache):
    x = centred(all_streams(model, cache))
    scale = (x.pow(2).mean(dim=-1, keepdim=True) + model.ln_final.eps).sqrt()
    return x / scale @ model.W_U


@mistake("ln_final's bias is missing: call model.ln_final.")
def no_bias(model, cache):
    return ref.logit_lens(model, cache) - model.ln_final.bias @ model.W_U


@mistake(
    "Each layer's ln1 normalises its stream; the lens asks what the model would say if it ended there: use ln_final."
)
def through_ln1(model, cache):
    last = model.ln_final(streams(model, cache, "resid_post")[-1])
    normalised = [cache[f"blocks.{layer}.ln1.hook_normalized"] for layer in range(len(model.blocks))]
    return torch.stack([*normalised, last]) @ model.W_U


@mistake("The stream after the last layer is missing: add its hook_resid_post, which no layer's hook_resid_pre holds.")
def without_the_last(model, cache):
    return ref.logit_lens(model, cache)[:-1]


@mistake("The stream before layer 0 is missing: the embeddings alone already predict something.")
def without_the_first(model, cache):
    return ref.logit_lens(model, cache)[1:]


@mistake("The last stream is the last layer's hook_resid_pre again, where its hook_resid_post is asked.")
def last_layer_twice(model, cache):
    before = streams(model, cache)
    return model.ln_final(torch.cat([before, before[-1:]])) @ model.W_U


@mistake("These are the streams between attention and MLP, hook_resid_mid: take hook_resid_pre.")
def resid_mid(model, cache):
    last = streams(model, cache, "resid_post")[-1:]
    return model.ln_final(torch.cat([streams(model, cache, "resid_mid"), last])) @ model.W_U


@mistake("Before layer 0 you read the token embedding alone: the position embedding is in the stream as well.")
def token_embedding_only(model, cache):
    return model.ln_final(torch.cat([cache["hook_embed"][None], all_streams(model, cache)[1:]])) @ model.W_U


@mistake("You read what each layer adds. The lens reads the stream, the sum of all that was added so far.")
def what_is_added(model, cache):
    steps = all_streams(model, cache)
    return model.ln_final(torch.cat([steps[:1], steps[1:] - steps[:-1]])) @ model.W_U


@mistake("The layers stand in reverse: the embeddings come first, the model's own logits last.")
def reversed_order(model, cache):
    return ref.logit_lens(model, cache).flip(0)


@mistake("You return probabilities: logits are asked.")
def probabilities(model, cache):
    return ref.logit_lens(model, cache).softmax(dim=-1)


@mistake("You return log-probabilities: logits are asked.")
def log_probabilities(model, cache):
    return ref.logit_lens(model, cache).log_softmax(dim=-1)


@mistake("You multiply by W_E transposed: the unembedding is W_U.")
def unembeds_with_W_E(model, cache):
    return model.ln_final(all_streams(model, cache)) @ model.W_E.T


@mistake("This is the last position only: keep all positions.")
def last_position_only(model, cache):
    return ref.logit_lens(model, cache)[:, :, -1]


@mistake("The prompts come first: the layers do, [n_layers + 1, batch, pos, d_vocab].")
def prompts_first(model, cache):
    return ref.logit_lens(model, cache).transpose(0, 1)


@mistake("ln_final is applied twice to the last stream: ln_final.hook_normalized has been through it already.")
def normalised_twice(model, cache):
    last = cache["ln_final.hook_normalized"][None]
    return model.ln_final(torch.cat([streams(model, cache), last])) @ model.W_U
