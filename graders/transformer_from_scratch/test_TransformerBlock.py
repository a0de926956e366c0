"""Grades `TransformerBlock`. Oracles: a block whose two halves are silent, and torch.nn.TransformerEncoderLayer."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours

AXES = "batch pos d_model"


def config(module, n_heads=2, d_model=7, d_head=4, d_mlp=9, ln_eps=1e-5):
    return module.Config(
        d_vocab=13, d_model=d_model, n_ctx=17, n_layers=3, n_heads=n_heads, d_head=d_head, d_mlp=d_mlp, ln_eps=ln_eps
    )


def weights_for(rand, reference, **sizes):
    """Random weights for every parameter of a block, none of them near its starting value."""
    block = reference.TransformerBlock(config(reference, **sizes))
    weights = {name: 0.5 * rand.normal(*value.shape) for name, value in block.state_dict().items()}
    return weights | {name: 0.5 + rand.uniform(*w.shape) for name, w in weights.items() if name.endswith("weight")}


def encoder_layer(w, n_heads, d_model, d_mlp, eps):
    """torch's own pre-LN layer with our weights; it needs n_heads * d_head = d_model."""
    layer = nn.TransformerEncoderLayer(
        d_model,
        n_heads,
        d_mlp,
        dropout=0.0,
        activation=lambda a: F.gelu(a, approximate="tanh"),
        layer_norm_eps=eps,
        batch_first=True,
        norm_first=True,
    )
    # [head, d_model, d_head] to torch's [(head d_head), d_model]
    qkv = torch.cat([w[f"attn.W_{name}"].transpose(1, 2).flatten(0, 1) for name in "QKV"])
    theirs = {
        "self_attn.in_proj_weight": qkv,
        "self_attn.in_proj_bias": torch.cat([w[f"attn.b_{name}"].flatten() for name in "QKV"]),
        "self_attn.out_proj.weight": w["attn.W_O"].flatten(0, 1).T,
        "self_attn.out_proj.bias": w["attn.b_O"],
        "linear1.weight": w["mlp.W_in"].T,
        "linear1.bias": w["mlp.b_in"],
        "linear2.weight": w["mlp.W_out"].T,
        "linear2.bias": w["mlp.b_out"],
        "norm1.weight": w["ln1.weight"],
        "norm1.bias": w["ln1.bias"],
        "norm2.weight": w["ln2.weight"],
        "norm2.bias": w["ln2.bias"],
    }
    layer.load_state_dict(theirs)
    return layer


def test_shape(submission, rand):
    """The block returns the residual stream in the shape in which it came."""
    out = submission.TransformerBlock(config(submission))(rand.normal(2, 5, 7))
    compare(out, torch.zeros(2, 5, 7), what="the result", axes=AXES, atol=torch.inf)


def test_silent_halves_pass_the_stream_on(submission, load_weights, reference, rand):
    """If attention and MLP write nothing but their output biases, the stream passes unchanged, plus the two biases."""
    x, weights = 2 + 3 * rand.normal(2, 5, 7), weights_for(rand, reference)
    weights["attn.W_O"], weights["mlp.W_out"] = torch.zeros(2, 4, 7), torch.zeros(9, 7)
    block = submission.TransformerBlock(config(submission))
    load_weights(block, weights)
    expected = x + weights["attn.b_O"] + weights["mlp.b_out"]
    compare(block(x), expected, what="the result (resid_post)", axes=AXES)


def test_the_mlp_alone(submission, load_weights, reference, rand):
    """If attention writes nothing, the result is x + mlp(ln2(x))."""
    x, w = 2 + 3 * rand.normal(2, 5, 7), weights_for(rand, reference)
    w["attn.W_O"], w["attn.b_O"] = torch.zeros(2, 4, 7), torch.zeros(7)
    block = submission.TransformerBlock(config(submission))
    load_weights(block, w)
    normalised = F.layer_norm(x, [7], w["ln2.weight"], w["ln2.bias"])
    hidden = F.gelu(normalised @ w["mlp.W_in"] + w["mlp.b_in"], approximate="tanh")
    compare(block(x), x + hidden @ w["mlp.W_out"] + w["mlp.b_out"], what="the result (resid_post)", axes=AXES)


def test_attention_alone(submission, load_weights, reference, rand):
    """If the MLP writes nothing and all scores are equal, each head adds the mean of the normalised past."""
    x, w = 2 + 3 * rand.normal(2, 5, 7), weights_for(rand, reference)
    w["mlp.W_out"], w["mlp.b_out"] = torch.zeros(9, 7), torch.zeros(7)
    w["attn.W_Q"], w["attn.b_Q"] = torch.zeros(2, 7, 4), torch.zeros(2, 4)
    block = submission.TransformerBlock(config(submission))
    load_weights(block, w)
    normalised = F.layer_norm(x, [7], w["ln1.weight"], w["ln1.bias"])
    mean = normalised.cumsum(dim=1) / torch.arange(1.0, 6)[:, None]
    heads = [(mean @ w["attn.W_V"][h] + w["attn.b_V"][h]) @ w["attn.W_O"][h] for h in range(2)]
    compare(block(x), x + sum(heads) + w["attn.b_O"], what="the result (resid_post)", axes=AXES)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_agrees_with_torch(submission, load_weights, reference, rand, eps):
    """The result is that of torch.nn.TransformerEncoderLayer with norm_first=True, a causal mask and the same weights."""
    sizes = {"n_heads": 3, "d_model": 12, "d_head": 4, "d_mlp": 10, "ln_eps": eps}
    x, weights = 1 + rand.normal(2, 5, 12), weights_for(rand, reference, **sizes)
    block = submission.TransformerBlock(config(submission, **sizes))
    load_weights(block, weights)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    expected = encoder_layer(weights, 3, 12, 10, eps)(x, src_mask=mask, is_causal=True)
    compare(block(x), expected, what="the result (resid_post)", axes=AXES)


@pytest.mark.parametrize("batch, n_pos", [(2, 5), (3, 4), (2, 1)])
def test_agrees_where_heads_do_not_fill_d_model(submission, load_weights, reference, rand, batch, n_pos):
    """The result agrees with the reference where n_heads * d_head is not d_model, and for other lengths."""
    x, weights = 1 + 2 * rand.normal(batch, n_pos, 7), weights_for(rand, reference, ln_eps=0.1)
    theirs, mine = (module.TransformerBlock(config(module, ln_eps=0.1)) for module in (submission, reference))
    load_weights(theirs, weights)
    mine.load_state_dict(weights)
    compare(theirs(x), mine(x), what="the result (resid_post)", axes=AXES)


def test_gradients_flow(submission, kit, load_weights, reference, rand):
    """Training works: gradients reach the input, past both halves, and every weight and bias."""
    x, weights, probe = rand.normal(2, 4, 7), weights_for(rand, reference), rand.normal(2, 4, 7)
    theirs, mine = (module.TransformerBlock(config(module)) for module in (submission, reference))
    load_weights(theirs, weights)
    mine.load_state_dict(weights)
    to_input, to_parameters = kit.gradients(theirs, probe, x)
    missing = [name for name, gradient in to_parameters.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing)}: is each module used?"
    compare(to_input, ours.gradients(mine, probe, x)[0], what="the gradient with respect to the input", axes=AXES)


def test_the_hook_points_are_used(submission, kit, rand):
    """Each hook point that the block has is called, once in a run."""
    names = ["hook_resid_pre", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post"]
    calls = kit.times_called(submission.TransformerBlock(config(submission)), rand.normal(2, 5, 7), names)
    for name, times in calls.items():
        assert times == 1, f"{name} is called {times} times in one run; call it once, x = self.{name}(x)."


@mistake(
    "The result is right, but nothing passes through the hook points: send each activation through its own, x = hook(x)."
)
class hook_points_are_not_called(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


@mistake(
    "You normalise after the addition (post-LN, the first transformer). GPT-2 normalises what attention and MLP read."
)
class post_layer_norm(ref.TransformerBlock):
    def forward(self, x):
        x = self.ln1(x + self.attn(x))
        return self.ln2(x + self.mlp(x))


@mistake(
    "Your MLP reads resid_pre, beside attention. In GPT-2 it reads resid_mid, the stream after attention has written."
)
class parallel(ref.TransformerBlock):
    def forward(self, x):
        return x + self.attn(self.ln1(x)) + self.mlp(self.ln2(x))


@mistake("You add attention's output to the normalised stream; add it to resid_pre itself.")
class attention_added_to_the_normalised(ref.TransformerBlock):
    def forward(self, x):
        x = self.ln1(x)
        x = x + self.attn(x)
        return x + self.mlp(self.ln2(x))


@mistake("You add the MLP's output to the normalised stream; add it to resid_mid itself.")
class mlp_added_to_the_normalised(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        x = self.ln2(x)
        return x + self.mlp(x)


@mistake("Both outputs are added to the normalised stream; add them to the residual stream itself.")
class both_added_to_the_normalised(ref.TransformerBlock):
    def forward(self, x):
        x = self.ln1(x)
        x = self.ln2(x + self.attn(x))
        return x + self.mlp(x)


@mistake("The first residual addition is missing: resid_mid = resid_pre + attention's output.")
class no_first_residual(ref.TransformerBlock):
    def forward(self, x):
        x = self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


@mistake("The second residual addition is missing: resid_post = resid_mid + the MLP's output.")
class no_second_residual(ref.TransformerBlock):
    def forward(self, x):
        return self.mlp(self.ln2(x + self.attn(self.ln1(x))))


@mistake("There is no residual stream: each output has to be added to what was there.")
class no_residuals(ref.TransformerBlock):
    def forward(self, x):
        return self.mlp(self.ln2(self.attn(self.ln1(x))))


@mistake("You add the MLP's output to resid_pre: what attention wrote is lost. Add it to resid_mid.")
class attention_lost(ref.TransformerBlock):
    def forward(self, x):
        return x + self.mlp(self.ln2(x + self.attn(self.ln1(x))))


@mistake("You return the sum with resid_pre counted twice: resid_mid already holds it.")
class resid_pre_twice(ref.TransformerBlock):
    def forward(self, x):
        mid = x + self.attn(self.ln1(x))
        return x + mid + self.mlp(self.ln2(mid))


@mistake("Your MLP reads attention's output alone; it reads the whole stream, resid_mid.")
class mlp_reads_attn_out(ref.TransformerBlock):
    def forward(self, x):
        out = self.attn(self.ln1(x))
        return x + out + self.mlp(self.ln2(out))


@mistake("You use ln1 before the MLP; it has a LayerNorm of its own, ln2.")
class ln1_twice(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln1(x))


@mistake("ln1 and ln2 have changed places: ln1 stands before attention, ln2 before the MLP.")
class norms_swapped(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln2(x))
        return x + self.mlp(self.ln1(x))


@mistake("Attention reads the stream without ln1.")
class no_ln1(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(self.ln2(x))


@mistake("The MLP reads the stream without ln2.")
class no_ln2(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(x)


@mistake("Nothing is normalised: attention reads ln1(resid_pre), the MLP ln2(resid_mid).")
class no_norms(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


@mistake("The MLP comes before attention; attention writes first.")
class mlp_first(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.mlp(self.ln2(x))
        return x + self.attn(self.ln1(x))


@mistake("You use ln2 before attention; it has a LayerNorm of its own, ln1.")
class ln2_twice(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.attn(self.ln2(x))
        return x + self.mlp(self.ln2(x))


@mistake("Your MLP reads what attention read, ln1(resid_pre); it reads ln2(resid_mid).")
class mlp_reads_what_attention_read(ref.TransformerBlock):
    def forward(self, x):
        normalised = self.ln1(x)
        return x + self.attn(normalised) + self.mlp(normalised)


@mistake("You normalise what attention and MLP write; normalise what they read.")
class normalises_the_outputs(ref.TransformerBlock):
    def forward(self, x):
        x = x + self.ln1(self.attn(x))
        return x + self.ln2(self.mlp(x))


@mistake("There is one residual addition around both halves; there is one around each.")
class one_residual_around_both(ref.TransformerBlock):
    def forward(self, x):
        return x + self.mlp(self.ln2(self.attn(self.ln1(x))))


@mistake("Your LayerNorms use the default eps; make them with config.ln_eps.")
class default_eps(ref.TransformerBlock):
    def __init__(self, config):
        super().__init__(config)
        self.ln1.eps = self.ln2.eps = 1e-5


@mistake("Attention is missing.")
class no_attention(ref.TransformerBlock):
    def forward(self, x):
        return x + self.mlp(self.ln2(x))


@mistake("The MLP is missing.")
class no_mlp(ref.TransformerBlock):
    def forward(self, x):
        return x + self.attn(self.ln1(x))
