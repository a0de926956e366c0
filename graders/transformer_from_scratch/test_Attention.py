"""Grades `Attention`. Oracles: cumulative means (where all scores are equal) and torch's own attention, head by head."""

import einops
import pytest
import torch
import torch.nn.functional as F

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours

AXES = "batch pos d_model"


def weights_for(rand, n_heads, d_model, d_head):
    """Large enough that no bias and no head can be left out unseen."""
    projections = {f"W_{name}": rand.normal(n_heads, d_model, d_head) / d_model**0.5 for name in "QKV"}
    biases = {f"b_{name}": rand.normal(n_heads, d_head) for name in "QKV"}
    out = {"W_O": rand.normal(n_heads, d_head, d_model) / d_head**0.5, "b_O": 1 + rand.uniform(d_model)}
    return projections | biases | out


def config(module, n_heads, d_model, d_head):
    return module.Config(d_vocab=13, d_model=d_model, n_ctx=17, n_layers=2, n_heads=n_heads, d_head=d_head, d_mlp=19)


def from_torch(x, w):
    """Each head through torch's scaled_dot_product_attention, one after another."""
    out = w["b_O"].expand_as(x)
    for head in range(len(w["W_Q"])):
        q, k, v = (x @ w[f"W_{name}"][head] + w[f"b_{name}"][head] for name in "QKV")
        out = out + F.scaled_dot_product_attention(q, k, v, is_causal=True) @ w["W_O"][head]
    return out


def test_shape(submission, rand):
    """Attention returns a vector of d_model numbers at each position, also where n_heads * d_head is not d_model."""
    out = submission.Attention(config(submission, 3, 7, 4))(rand.normal(2, 5, 7))
    compare(out, torch.zeros(2, 5, 7), what="the result", axes=AXES, atol=torch.inf)


def test_without_W_O_only_b_O_is_left(submission, load_weights, rand):
    """With W_O = 0 the heads say nothing, and every position gets b_O: once, not once for each head."""
    weights = weights_for(rand, 3, 7, 4)
    weights["W_O"] = torch.zeros(3, 4, 7)
    attention = submission.Attention(config(submission, 3, 7, 4))
    load_weights(attention, weights)
    out = attention(rand.normal(2, 5, 7))
    compare(out, weights["b_O"].expand(2, 5, 7), what="the result with W_O = 0", axes=AXES)


def test_equal_scores_take_the_mean_of_the_past(submission, load_weights, rand):
    """With W_Q = 0 and b_Q = 0 each query sees all it may see alike: the heads move the mean of the values so far."""
    x, weights = rand.normal(2, 6, 5), weights_for(rand, 3, 5, 4)
    weights["W_Q"], weights["b_Q"] = torch.zeros(3, 5, 4), torch.zeros(3, 4)
    attention = submission.Attention(config(submission, 3, 5, 4))
    load_weights(attention, weights)
    mean = x.cumsum(dim=1) / torch.arange(1.0, 7)[:, None]
    heads = [(mean @ weights["W_V"][h] + weights["b_V"][h]) @ weights["W_O"][h] for h in range(3)]
    compare(attention(x), sum(heads) + weights["b_O"], what="the result", axes=AXES)


@pytest.mark.parametrize(
    "batch, n_pos, n_heads, d_model, d_head", [(2, 5, 3, 12, 4), (3, 6, 2, 5, 4), (2, 4, 5, 6, 3), (2, 1, 3, 7, 2)]
)
def test_agrees_with_torch(submission, load_weights, rand, batch, n_pos, n_heads, d_model, d_head):
    """The result is the sum over the heads of what torch's scaled_dot_product_attention gives, through W_O, plus b_O."""
    x, weights = 1.5 * rand.normal(batch, n_pos, d_model), weights_for(rand, n_heads, d_model, d_head)
    attention = submission.Attention(config(submission, n_heads, d_model, d_head))
    load_weights(attention, weights)
    compare(attention(x), from_torch(x, weights), what="the result", axes=AXES)


def test_the_past_does_not_know_the_future(submission, load_weights, rand):
    """Changing the last token's vector changes nothing at the positions before it."""
    x, weights = rand.normal(2, 5, 7), weights_for(rand, 3, 7, 4)
    attention = submission.Attention(config(submission, 3, 7, 4))
    load_weights(attention, weights)
    changed = torch.cat([x[:, :-1], 3 * rand.normal(2, 1, 7)], dim=1)
    compare(attention(changed)[:, :-1], attention(x)[:, :-1], what="the result at the earlier positions", axes=AXES)


def test_gradients_flow(submission, kit, load_weights, reference, rand):
    """Training works: gradients reach the input and every weight and bias."""
    x, weights, probe = rand.normal(2, 4, 7), weights_for(rand, 3, 7, 5), rand.normal(2, 4, 7)
    theirs, mine = (module.Attention(config(module, 3, 7, 5)) for module in (submission, reference))
    load_weights(theirs, weights)
    mine.load_state_dict(weights)
    to_input, to_parameters = kit.gradients(theirs, probe, x)
    missing = [name for name, gradient in to_parameters.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing)}: compute with the parameters themselves."
    compare(to_input, ours.gradients(mine, probe, x)[0], what="the gradient with respect to the input", axes=AXES)


def test_the_hook_points_are_used(submission, kit, rand):
    """Each hook point that the layer has is called, once in a run."""
    calls = kit.times_called(
        submission.Attention(config(submission, 3, 7, 4)),
        rand.normal(2, 5, 7),
        ["hook_q", "hook_k", "hook_v", "hook_pattern", "hook_z"],
    )
    for name, times in calls.items():
        assert times == 1, f"{name} is called {times} times in one run; call it once, x = self.{name}(x)."


class Variant(ref.Attention):
    """The reference in steps, each of which a mistake below replaces."""

    biases = "QKVO"

    def project(self, x, name):
        z = einops.einsum(
            x, getattr(self, f"W_{name}"), "batch pos d_model, head d_model d_head -> batch pos head d_head"
        )
        return z + getattr(self, f"b_{name}") if name in self.biases else z

    def pattern(self, q, k):
        return ref.attention_pattern(q, k)

    def mix(self, pattern, v):
        return einops.einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")

    def out(self, z):
        out = einops.einsum(z, self.W_O, "batch pos head d_head, head d_head d_model -> batch pos d_model")
        return out + self.b_O if "O" in self.biases else out

    def forward(self, x):
        q, k, v = (self.project(x, name) for name in "QKV")
        return self.out(self.mix(self.pattern(q, k), v))


@mistake(
    "The result is right, but nothing passes through the hook points: send each activation through its own, x = hook(x)."
)
class hook_points_are_not_called(Variant):
    pass


@mistake("You add b_O once for each head; it is added once, after the heads are summed.")
class b_O_per_head(Variant):
    def out(self, z):
        return super().out(z) + (len(self.W_O) - 1) * self.b_O


@mistake("b_O is missing.")
class no_b_O(Variant):
    biases = "QKV"


@mistake("None of the four biases is added.")
class no_biases(Variant):
    biases = ""


@mistake("You average the heads; sum them.")
class heads_averaged(Variant):
    def out(self, z):
        return super().out(z / len(self.W_O))


@mistake("The biases b_Q, b_K and b_V are missing.")
class no_qkv_biases(Variant):
    biases = "O"


@mistake("The queries lack their bias b_Q.")
class no_b_Q(Variant):
    biases = "KVO"


@mistake(
    "The keys lack their bias b_K. The pattern stays the same, as all keys shift alike, but b_K belongs to the model."
)
class no_b_K(Variant):
    biases = "QVO"


@mistake("The values lack their bias b_V.")
class no_b_V(Variant):
    biases = "QKO"


@mistake("You compute the keys with W_Q and b_Q (copied from the line of the queries?).")
class keys_from_W_Q(Variant):
    def project(self, x, name):
        return super().project(x, "Q" if name == "K" else name)


@mistake("You compute the values with W_K and b_K.")
class values_from_W_K(Variant):
    def project(self, x, name):
        return super().project(x, "K" if name == "V" else name)


@mistake("You sum the values over the query axis of the pattern; sum over its key axis, along which the values lie.")
class sums_over_queries(Variant):
    def mix(self, pattern, v):
        return super().mix(pattern.transpose(-1, -2), v)


@mistake("Queries and keys have changed places: attention_pattern(q, k) takes the queries first.")
class q_and_k_swapped(Variant):
    def pattern(self, q, k):
        return super().pattern(k, q)


@mistake("You divide by sqrt(d_head) here, and attention_pattern does so again.")
class scaled_twice(Variant):
    def pattern(self, q, k):
        return super().pattern(q / q.shape[-1] ** 0.5, k)


@mistake("Your z has the head axis before the position axis when you flatten it, so heads and positions get mixed up.")
class mixed_by_reshape(Variant):
    def mix(self, pattern, v):
        z = super().mix(pattern, v)
        return z.transpose(1, 2).reshape(z.shape)


@mistake("You flatten W_O with d_head before head; z has head before d_head.")
class W_O_flattened_wrongly(Variant):
    def out(self, z):
        W_O = einops.rearrange(self.W_O, "head d_head d_model -> (d_head head) d_model")
        return z.flatten(2) @ W_O + self.b_O


@mistake("You reshape W_Q, W_K and W_V to [d_model, n_heads * d_head], which mixes their axes; transpose them first.")
class projections_reshaped(Variant):
    def project(self, x, name):
        n_heads, d_model, d_head = self.W_Q.shape
        W = getattr(self, f"W_{name}").reshape(d_model, n_heads * d_head)
        return (x @ W).unflatten(-1, (n_heads, d_head)) + getattr(self, f"b_{name}")


@mistake("You take a softmax of the pattern: attention_pattern has done so already.")
class softmax_again(Variant):
    def pattern(self, q, k):
        return super().pattern(q, k).softmax(dim=-1)


@mistake("Only the first head speaks: sum over all heads.")
class first_head_only(Variant):
    def out(self, z):
        return z[:, :, 0] @ self.W_O[0] + self.b_O


@mistake("All heads use the values of one head: keep the head axis of v.")
class values_of_the_first_head(Variant):
    def mix(self, pattern, v):
        return super().mix(pattern, v[:, :, :1].expand_as(v))


@mistake("There is no causal mask in your pattern: use attention_pattern(q, k).")
class no_mask(Variant):
    def pattern(self, q, k):
        scores = einops.einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
        return (scores / q.shape[-1] ** 0.5).softmax(dim=-1)


@mistake("You add the input to the result; the residual addition belongs to TransformerBlock.")
class adds_the_input(Variant):
    def forward(self, x):
        return x + super().forward(x)


@mistake(
    "Gradients cannot reach the pattern's weights: W_Q and W_K would not learn. Leave out detach, .data and no_grad."
)
class pattern_detached(Variant):
    def pattern(self, q, k):
        return super().pattern(q, k).detach()
