"""Grades `Transformer`. The independent oracle is GPT-2 in one function, made of torch's own building blocks."""

import pytest
import torch
import torch.nn.functional as F

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake, raises
from graders.transformer_from_scratch import kit as ours

AXES = "batch pos d_vocab"
SIZES = {"d_vocab": 13, "d_model": 7, "n_ctx": 8, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 9, "ln_eps": 1e-5}
BLOCK_HOOKS = [
    "hook_resid_pre", "ln1.hook_scale", "ln1.hook_normalized", "attn.hook_q", "attn.hook_k", "attn.hook_v",
    "attn.hook_pattern", "attn.hook_z", "hook_attn_out", "hook_resid_mid", "ln2.hook_scale", "ln2.hook_normalized",
    "mlp.hook_pre", "mlp.hook_post", "hook_mlp_out", "hook_resid_post",
]  # fmt: skip
HOOKS = {
    "embedding": ["hook_embed", "hook_pos_embed"],
    "blocks": [f"blocks.{layer}.{name}" for layer in range(2) for name in BLOCK_HOOKS],
    "ln_final": ["ln_final.hook_scale", "ln_final.hook_normalized"],
}


def weights_for(rand, reference, **sizes):
    """Random weights for every parameter, none of them near its starting value."""
    model = reference.Transformer(reference.Config(**SIZES | sizes))
    weights = {name: 0.6 * rand.normal(*value.shape) for name, value in model.state_dict().items()}
    return weights | {name: 0.5 + rand.uniform(*w.shape) for name, w in weights.items() if name.endswith("weight")}


def both(submission, reference, load_weights, weights, **sizes):
    """The learner's model and ours, with the same weights."""
    theirs, mine = (module.Transformer(module.Config(**SIZES | sizes)) for module in (submission, reference))
    load_weights(theirs, weights)
    mine.load_state_dict(weights)
    return theirs, mine


def gpt2(tokens, w, n_layers, eps):
    """GPT-2 by torch's own functions, head by head."""
    x = F.embedding(tokens, w["W_E"]) + w["W_pos"][: tokens.shape[1]]
    d_model = [x.shape[-1]]
    for layer in range(n_layers):
        b = {name.removeprefix(f"blocks.{layer}."): value for name, value in w.items()}
        y = F.layer_norm(x, d_model, b["ln1.weight"], b["ln1.bias"], eps)
        x = x + b["attn.b_O"]
        for head in range(len(b["attn.W_O"])):
            q, k, v = (y @ b[f"attn.W_{name}"][head] + b[f"attn.b_{name}"][head] for name in "QKV")
            x = x + F.scaled_dot_product_attention(q, k, v, is_causal=True) @ b["attn.W_O"][head]
        y = F.layer_norm(x, d_model, b["ln2.weight"], b["ln2.bias"], eps)
        hidden = F.gelu(F.linear(y, b["mlp.W_in"].T, b["mlp.b_in"]), approximate="tanh")
        x = x + F.linear(hidden, b["mlp.W_out"].T, b["mlp.b_out"])
    return F.layer_norm(x, d_model, w["ln_final.weight"], w["ln_final.bias"], eps) @ w["W_U"]


def owner(name):
    """The class whose forward calls the hook point of that name."""
    owners = {"": "Transformer", "attn": "Attention", "mlp": "MLP"} | dict.fromkeys(
        ("ln1", "ln2", "ln_final"), "LayerNorm"
    )
    return owners.get(name.rpartition(".")[0].rpartition(".")[2], "TransformerBlock")


def test_shape(submission, rand):
    """The model returns a score for each token of the vocabulary, at each position."""
    logits = submission.Transformer(submission.Config(**SIZES))(rand.integers(13, 2, 5))
    compare(logits, torch.zeros(2, 5, 13), what="the result (logits)", axes=AXES, atol=torch.inf)


def test_without_layers(submission, reference, load_weights, rand):
    """With no blocks the model embeds, normalises with ln_final and unembeds with W_U; nothing else."""
    weights, tokens = weights_for(rand, reference, n_layers=0), rand.integers(13, 2, 5)
    model, _ = both(submission, reference, load_weights, weights, n_layers=0)
    compare(model(tokens), gpt2(tokens, weights, 0, 1e-5), what="the result (logits)", axes=AXES)


@pytest.mark.parametrize("n_layers, n_pos, eps", [(1, 5, 1e-5), (3, 6, 1e-5), (2, 8, 0.3), (2, 1, 1e-5)])
def test_agrees_with_torch(submission, reference, load_weights, rand, n_layers, n_pos, eps):
    """The logits are GPT-2's, for each number of layers, any length up to n_ctx and any eps."""
    weights, tokens = weights_for(rand, reference, n_layers=n_layers), rand.integers(13, 3, n_pos)
    model, _ = both(submission, reference, load_weights, weights, n_layers=n_layers, ln_eps=eps)
    expected = gpt2(tokens, weights, n_layers, eps)
    compare(model(tokens), expected, what="the result (logits)", axes=AXES, atol=1e-3)


def test_the_past_does_not_know_the_future(submission, reference, load_weights, rand):
    """Changing the last token changes no logits before it."""
    tokens = rand.integers(13, 2, 6)
    changed = torch.cat([tokens[:, :-1], (tokens[:, -1:] + 1) % 13], dim=1)
    model, _ = both(submission, reference, load_weights, weights_for(rand, reference))
    compare(
        model(changed)[:, :-1],
        model(tokens)[:, :-1],
        what="the result (logits) at earlier positions",
        axes=AXES,
        atol=1e-3,
    )


@pytest.mark.parametrize("n_ctx, n_pos", [(8, 9), (8, 16)])
def test_refuses_a_sequence_that_is_too_long(submission, reference, load_weights, rand, n_ctx, n_pos):
    """More than n_ctx tokens is an error: nothing may be cut off, repeated or wrapped around."""
    model, _ = both(submission, reference, load_weights, weights_for(rand, reference, n_ctx=n_ctx), n_ctx=n_ctx)
    with raises():
        model(rand.integers(13, 2, n_pos))


@pytest.mark.parametrize("part", HOOKS)
def test_the_hook_points_see_the_activations(submission, kit, reference, load_weights, rand, part):
    """Each activation passes through the hook point of its name, once: hook_embed, blocks.0.attn.hook_pattern and so on."""
    tokens = rand.integers(13, 2, 5)
    theirs, mine = both(submission, reference, load_weights, weights_for(rand, reference))
    names = HOOKS[part]
    seen, expected = kit.activations(theirs, tokens, names), ours.activations(mine, tokens, names)
    for name in names:
        assert seen.get(name), f"Nothing passes through {name}: call that hook point in {owner(name)}.forward."
        assert len(seen[name]) == 1, (
            f"{name} is called {len(seen[name])} times in one run; each hook point is called once."
        )
        actual = seen[name][0]
        if name == "hook_pos_embed" and actual.shape in ((5, 7), (1, 5, 7)):
            actual = actual.expand(2, 5, 7)
        compare(actual, expected[name][0], what=f"what passes through {name}", atol=1e-3)


@pytest.mark.parametrize("part", HOOKS)
def test_the_hook_points_lie_in_the_way(submission, kit, reference, load_weights, rand, part):
    """What comes out of a hook point is what the model goes on with: doubling it there changes the logits."""
    tokens = rand.integers(13, 2, 5)
    theirs, mine = both(submission, reference, load_weights, weights_for(rand, reference))
    plain = mine(tokens)
    for name in HOOKS[part]:
        logits, expected = kit.with_doubled(theirs, tokens, name), ours.with_doubled(mine, tokens, name)
        ignored = torch.allclose(logits, plain, atol=1e-4) and not torch.allclose(expected, plain, atol=1e-3)
        assert not ignored, f"Doubling {name} changes nothing: go on with what the hook point returns, x = hook(x)."
        compare(logits, expected, what=f"the result with {name} doubled", axes=AXES, atol=2e-3)


def test_gradients_flow(submission, kit, reference, load_weights, rand):
    """Training works: gradients reach every weight and bias."""
    tokens, probe = rand.integers(13, 2, 4), rand.normal(2, 4, 13)
    theirs, mine = both(submission, reference, load_weights, weights_for(rand, reference))
    actual, expected = kit.gradients(theirs, probe, tokens)[1], ours.gradients(mine, probe, tokens)[1]
    missing = [name for name, gradient in actual.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing[:3])}: is each module used?"
    for name in ("W_E", "W_pos", "W_U"):
        compare(actual[name], expected[name], what=f"the gradient of {name}", atol=2e-3)


class Variant(ref.Transformer):
    """The reference in steps, each of which a mistake below replaces."""

    def embed(self, tokens):
        positions = self.W_pos[: tokens.shape[1]].expand(len(tokens), -1, -1)
        return self.hook_embed(self.W_E[tokens]) + self.hook_pos_embed(positions)

    def run_blocks(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def unembed(self, x):
        return self.ln_final(x) @ self.W_U

    def forward(self, tokens):
        return self.unembed(self.run_blocks(self.embed(tokens)))


@mistake("The final LayerNorm, ln_final, is missing before W_U.")
class no_final_norm(Variant):
    def unembed(self, x):
        return x @ self.W_U


@mistake("You unembed with W_E transposed. W_U is a parameter of its own here.")
class tied_head(Variant):
    def unembed(self, x):
        return self.ln_final(x) @ self.W_E.T


@mistake("You unembed the rows of W_U in another order: use x @ W_U, without reshaping it.")
class W_U_reshaped(Variant):
    def unembed(self, x):
        return self.ln_final(x) @ self.W_U.reshape(self.W_U.shape[1], -1).T


@mistake("The position vectors are missing.")
class no_positions(Variant):
    def embed(self, tokens):
        super().embed(tokens)
        return self.hook_embed(self.W_E[tokens])


@mistake("You add the positions in reverse: row 0 of W_pos belongs to the first token.")
class positions_reversed(Variant):
    def embed(self, tokens):
        positions = self.W_pos[: tokens.shape[1]].flip(0).expand(len(tokens), -1, -1)
        return self.hook_embed(self.W_E[tokens]) + self.hook_pos_embed(positions)


@mistake("A sequence longer than n_ctx wraps around to the first positions without a word. It has to fail.")
class wraps_around(Variant):
    def embed(self, tokens):
        positions = self.W_pos[torch.arange(tokens.shape[1]) % len(self.W_pos)].expand(len(tokens), -1, -1)
        return self.hook_embed(self.W_E[tokens]) + self.hook_pos_embed(positions)


@mistake("You cut a sequence down to its last n_ctx tokens without a word. A sequence that is too long has to fail.")
class truncates(Variant):
    def forward(self, tokens):
        return super().forward(tokens[:, -len(self.W_pos) :])


@mistake("Each block's output is added to the stream a second time: a block already returns the whole stream.")
class residual_twice(Variant):
    def run_blocks(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


@mistake("Every layer is the first block: go through self.blocks.")
class first_block_only(Variant):
    def run_blocks(self, x):
        for _ in self.blocks:
            x = self.blocks[0](x)
        return x


@mistake(
    "Each block reads the embedding, so that only the last one counts: feed each block what the one before returned."
)
class blocks_not_chained(Variant):
    def run_blocks(self, x):
        out = x
        for block in self.blocks:
            out = block(x)
        return out


@mistake("The blocks are run in reverse order.")
class blocks_reversed(Variant):
    def run_blocks(self, x):
        for block in reversed(self.blocks):
            x = block(x)
        return x


@mistake("The last block is left out.")
class last_block_left_out(Variant):
    def run_blocks(self, x):
        for block in self.blocks[:-1]:
            x = block(x)
        return x


@mistake("You apply ln_final after every block; it stands once, after the last.")
class norm_after_every_block(Variant):
    def run_blocks(self, x):
        for block in self.blocks:
            x = self.ln_final(block(x))
        return x


@mistake("You apply ln_final before the blocks too; it stands once, after the last.")
class norm_before_the_blocks(Variant):
    def run_blocks(self, x):
        return super().run_blocks(self.ln_final(x))


@mistake("Your last LayerNorm uses the default eps; make it with config.ln_eps.")
class default_eps(Variant):
    def __init__(self, config):
        super().__init__(config)
        self.ln_final.eps = 1e-5


@mistake("Each block reads the embedding and their outputs are summed; feed each block what the one before returned.")
class blocks_in_parallel(Variant):
    def run_blocks(self, x):
        return sum((block(x) for block in self.blocks), x)


@mistake("You return probabilities; return the logits, without a softmax.")
class probabilities(Variant):
    def unembed(self, x):
        return super().unembed(x).softmax(dim=-1)


@mistake("You return log-probabilities; return the logits, without a log_softmax.")
class log_probabilities(Variant):
    def unembed(self, x):
        return super().unembed(x).log_softmax(dim=-1)


@mistake("You return the last position only; return the logits at every position.")
class last_position_only(Variant):
    def unembed(self, x):
        return super().unembed(x)[:, -1]


@mistake("You call the hook points, but go on with what you gave them: use what they return, x = self.hook_embed(x).")
class hooks_beside_the_way(Variant):
    def embed(self, tokens):
        super().embed(tokens)
        return self.W_E[tokens] + self.W_pos[: tokens.shape[1]]


@mistake("Nothing passes through hook_embed and hook_pos_embed: send the token and the position vectors through them.")
class no_embedding_hooks(Variant):
    def embed(self, tokens):
        return self.W_E[tokens] + self.W_pos[: tokens.shape[1]]


@mistake("hook_embed takes the sum of token and position vectors; it takes the token vectors alone.")
class hook_embed_takes_the_sum(Variant):
    def embed(self, tokens):
        positions = self.hook_pos_embed(self.W_pos[: tokens.shape[1]].expand(len(tokens), -1, -1))
        return self.hook_embed(self.W_E[tokens] + positions)
