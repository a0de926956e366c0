"""load_gpt2_weights: each parameter against a slow loop, and the logits against transformers' GPT2LMHeadModel.

Most tests load into a module that holds the right parameters and has no forward, so that a slip is found at the
parameter where it is; their values go into the reference Transformer, which computes the logits. The last tests run
the learner's own Transformer.
"""

import copy as copy_module
import json

import einops
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake, raises
from dojo.models import load_state_dict, model_path

# d_vocab, d_model, n_ctx, n_layers, n_heads, d_head, d_mlp: no two alike within one model.
SIZES = [(19, 12, 9, 2, 4, 3, 17), (23, 10, 7, 3, 2, 5, 31)]


def _config(sizes):
    names = ("d_vocab", "d_model", "n_ctx", "n_layers", "n_heads", "d_head", "d_mlp")
    return dict(zip(names, sizes, strict=True))


def _gpt2(rand, sizes, *, tied=True, kind=GPT2LMHeadModel):
    """A transformers model of these sizes in which every weight and every bias is random."""
    c = _config(sizes)
    config = GPT2Config(
        vocab_size=c["d_vocab"],
        n_embd=c["d_model"],
        n_positions=c["n_ctx"],
        n_layer=c["n_layers"],
        n_head=c["n_heads"],
        n_inner=c["d_mlp"],
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = kind(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(rand.normal(*parameter.shape) * 0.4 + (1.0 if "ln_" in name and "weight" in name else 0.0))
    return model


def _state(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _loaded(submission, kit, rand, sizes, state):
    """What the learner's function makes of a bare model's parameters: a dict by name, each of the right shape."""
    model = kit.bare_transformer(submission.Config(**_config(sizes)), rand.seed)
    submission.load_gpt2_weights(model, state)
    return _right_shapes(dict(model.state_dict()), sizes)


def _right_shapes(parameters, sizes):
    with torch.device("meta"):
        expected = ref.Transformer(ref.Config(**_config(sizes))).state_dict()
    for name, value in expected.items():
        assert name in parameters, f"After loading, the model has no parameter {name} any more."
        shape = list(parameters[name].shape)
        assert shape == list(value.shape), f"After loading, {name} has shape {shape}, expected {list(value.shape)}."
    return {name: parameters[name] for name in expected}


def _reference_logits(sizes, parameters, tokens):
    model = ref.Transformer(ref.Config(**_config(sizes)))
    model.load_state_dict(parameters)
    with torch.no_grad():
        return model(tokens)


def _by_hand(state, sizes):
    """Every parameter of the model, entry by entry or as it stands; names in `state` have no prefix."""
    c = _config(sizes)
    n_heads, d_head, d_model = c["n_heads"], c["d_head"], c["d_model"]
    out = {"W_E": state["wte.weight"], "W_pos": state["wpe.weight"], "W_U": state["wte.weight"].T}
    for layer in range(c["n_layers"]):
        ours, theirs = f"blocks.{layer}.", f"h.{layer}."
        fused, fused_bias = state[theirs + "attn.c_attn.weight"], state[theirs + "attn.c_attn.bias"]
        for third, name in enumerate("QKV"):
            W, b = torch.empty(n_heads, d_model, d_head), torch.empty(n_heads, d_head)
            for head in range(n_heads):
                for i in range(d_head):
                    column = third * n_heads * d_head + head * d_head + i
                    W[head, :, i], b[head, i] = fused[:, column], fused_bias[column]
            out[f"{ours}attn.W_{name}"], out[f"{ours}attn.b_{name}"] = W, b
        W_O = torch.empty(n_heads, d_head, d_model)
        for head in range(n_heads):
            for i in range(d_head):
                W_O[head, i] = state[theirs + "attn.c_proj.weight"][head * d_head + i]
        out[ours + "attn.W_O"], out[ours + "attn.b_O"] = W_O, state[theirs + "attn.c_proj.bias"]
        for mine, other in (("in", "c_fc"), ("out", "c_proj")):
            out[f"{ours}mlp.W_{mine}"] = state[f"{theirs}mlp.{other}.weight"]
            out[f"{ours}mlp.b_{mine}"] = state[f"{theirs}mlp.{other}.bias"]
        for mine, other in (("ln1", "ln_1"), ("ln2", "ln_2")):
            for part in ("weight", "bias"):
                out[f"{ours}{mine}.{part}"] = state[f"{theirs}{other}.{part}"]
    return out | {f"ln_final.{part}": state[f"ln_f.{part}"] for part in ("weight", "bias")}


@pytest.mark.parametrize("sizes", SIZES)
def test_every_parameter_is_where_it_belongs(submission, kit, rand, sizes):
    """Each parameter holds the right entries: q, k and v apart, head after head, in every layer."""
    state = _state(_gpt2(rand, sizes, kind=GPT2Model))
    parameters = _loaded(submission, kit, rand, sizes, state)
    for name, expected in _by_hand(state, sizes).items():
        compare(parameters[name], expected, what=f"the parameter {name}")


@pytest.mark.parametrize("sizes", SIZES)
def test_logits_equal_transformers(submission, kit, rand, sizes):
    """With a state dict from GPT2LMHeadModel, the logits are those of transformers."""
    gpt2 = _gpt2(rand, sizes)
    tokens = rand.integers(sizes[0], 2, sizes[2])
    parameters = _loaded(submission, kit, rand, sizes, _state(gpt2))
    with torch.no_grad():
        expected = gpt2(tokens).logits
    compare(
        _reference_logits(sizes, parameters, tokens), expected, what="the tensor of logits", axes="batch pos d_vocab"
    )


def test_names_without_the_prefix(submission, kit, rand):
    """A state dict from GPT2Model has no "transformer." in its names and no lm_head: the head is tied to wte."""
    sizes = SIZES[0]
    gpt2 = _gpt2(rand, sizes)
    tokens = rand.integers(sizes[0], 2, 5)
    state = {n.removeprefix("transformer."): v for n, v in _state(gpt2).items() if n != "lm_head.weight"}
    parameters = _loaded(submission, kit, rand, sizes, state)
    with torch.no_grad():
        expected = gpt2(tokens).logits
    compare(
        _reference_logits(sizes, parameters, tokens), expected, what="the tensor of logits", axes="batch pos d_vocab"
    )


def test_prefix_without_a_head(submission, kit, rand):
    """Files leave a tied head out: names with "transformer." and without lm_head.weight."""
    sizes = SIZES[1]
    state = {n: v for n, v in _state(_gpt2(rand, sizes)).items() if n != "lm_head.weight"}
    parameters = _loaded(submission, kit, rand, sizes, state)
    compare(parameters["W_U"], state["transformer.wte.weight"].T, what="the parameter W_U", axes="d_model d_vocab")


def test_old_mask_buffers(submission, kit, rand):
    """Entries that end in attn.bias or attn.masked_bias are not weights."""
    sizes = SIZES[0]
    n_ctx = sizes[2]
    state = _state(_gpt2(rand, sizes, kind=GPT2Model))
    with_masks = dict(state)
    for layer in range(sizes[3]):
        with_masks[f"h.{layer}.attn.bias"] = torch.ones(n_ctx, n_ctx).tril()[None, None]
        with_masks[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    parameters = _loaded(submission, kit, rand, sizes, with_masks)
    for name, expected in _by_hand(state, sizes).items():
        compare(parameters[name], expected, what=f"the parameter {name}")


def test_head_of_its_own(submission, kit, rand):
    """Where lm_head.weight is not tied to wte, W_U is lm_head.weight transposed."""
    sizes = SIZES[0]
    gpt2 = _gpt2(rand, sizes, tied=False)
    tokens = rand.integers(sizes[0], 2, 5)
    parameters = _loaded(submission, kit, rand, sizes, _state(gpt2))
    with torch.no_grad():
        expected = gpt2(tokens).logits
    compare(
        _reference_logits(sizes, parameters, tokens), expected, what="the tensor of logits", axes="batch pos d_vocab"
    )


def test_values_are_copied(submission, kit, rand):
    """What happens to the state dict's tensors afterwards does not reach the model."""
    sizes = SIZES[0]
    state = _state(_gpt2(rand, sizes, kind=GPT2Model))
    model = kit.bare_transformer(submission.Config(**_config(sizes)), rand.seed)
    kit.load_then_clear(submission.load_gpt2_weights, model, state)
    parameters = _right_shapes(dict(model.state_dict()), sizes)
    for name, expected in _by_hand(state, sizes).items():
        compare(parameters[name], expected, what=f"the parameter {name}, after the state dict was set to 0")


def test_the_parameters_stay_the_same_objects(submission, kit, rand):
    """Values are copied into the parameters that are there: an optimizer made before goes on training them."""
    model = kit.bare_transformer(submission.Config(**_config(SIZES[0])), rand.seed)
    state = _state(_gpt2(rand, SIZES[0]))
    replaced = kit.parameters_replaced(submission.load_gpt2_weights, model, state)
    text = (
        "is a new parameter after loading: an optimizer would hold the old one. Copy into it, with copy_ under no_grad."
    )
    assert not replaced, f"{replaced[0]} {text}"


def test_twelve_layers(submission, kit, rand):
    """GPT-2 has 12 layers: their numbers may have two digits."""
    sizes = (5, 4, 3, 12, 2, 2, 6)
    state = _state(_gpt2(rand, sizes, kind=GPT2Model))
    parameters = _loaded(submission, kit, rand, sizes, state)
    for name, expected in _by_hand(state, sizes).items():
        compare(parameters[name], expected, what=f"the parameter {name}")


def test_a_weight_of_another_shape(submission, kit, rand):
    """A weight that does not fit raises, even where it could be repeated until it does."""
    state = _state(_gpt2(rand, SIZES[0], kind=GPT2Model))
    for name in ("wpe.weight", "h.1.mlp.c_fc.bias", "ln_f.weight"):
        with raises():
            _loaded(submission, kit, rand, SIZES[0], state | {name: state[name][:1]})


def test_the_model_can_still_be_trained(submission, kit, rand):
    """After loading, every parameter is still one that an optimizer can train."""
    model = kit.bare_transformer(submission.Config(**_config(SIZES[0])), rand.seed)
    submission.load_gpt2_weights(model, _state(_gpt2(rand, SIZES[0])))
    stuck = kit.untrainable(model)
    assert not stuck, f"{stuck[0]} cannot be trained any more: it must be a leaf that requires a gradient."


def test_heads_that_do_not_fill_d_model(bench, submission, kit, rand):
    """n_heads * d_head may differ from d_model: 3 heads of 2 beside a d_model of 10."""
    sizes = (19, 10, 9, 2, 3, 2, 17)
    state = _state(_gpt2(rand, (19, 10, 9, 2, 2, 5, 17), kind=GPT2Model))
    for layer in range(2):
        for name, shape in (("c_attn.weight", (10, 18)), ("c_attn.bias", (18,)), ("c_proj.weight", (6, 10))):
            state[f"h.{layer}.attn.{name}"] = rand.normal(*shape)
    with bench.endpoint.untraced():  # errors for want of a shape that fits have as many texts as learners
        parameters = _loaded(submission, kit, rand, sizes, state)
    for name, expected in _by_hand(state, sizes).items():
        compare(parameters[name], expected, what=f"the parameter {name}")


WEIGHTS = ["ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias", "attn.c_attn.weight", "attn.c_attn.bias"]
WEIGHTS += [f"{part}.{kind}" for part in ("attn.c_proj", "mlp.c_fc", "mlp.c_proj") for kind in ("weight", "bias")]


@pytest.mark.parametrize("weights", [["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"], WEIGHTS])
def test_a_missing_weight(submission, kit, rand, weights):
    """A state dict in which a weight is missing raises."""
    whole = _state(_gpt2(rand, SIZES[0], kind=GPT2Model))
    for weight in weights:
        missing = weight if weight in whole else f"h.{rand.choice([0, 1])}.{weight}"
        with raises():
            _loaded(submission, kit, rand, SIZES[0], {name: value for name, value in whole.items() if name != missing})


@pytest.mark.parametrize("n_ctx, n_layers", [(11, 2), (9, 1), (9, 3)])
def test_a_model_of_another_size(submission, kit, rand, n_ctx, n_layers):
    """A state dict that does not fit raises: another n_ctx than the model's 9, fewer or more layers than its 2."""
    vocab, d_model, _, _, *rest = SIZES[0]
    state = _state(_gpt2(rand, (vocab, d_model, n_ctx, n_layers, *rest)))
    with raises():
        _loaded(submission, kit, rand, SIZES[0], state)


@pytest.mark.parametrize("sizes", SIZES)
def test_your_transformer_runs_it(submission, load_weights, kit, rand, sizes):
    """Your own Transformer, loaded over whatever it held before, gives the logits of transformers."""
    gpt2 = _gpt2(rand, sizes)
    tokens = rand.integers(sizes[0], 2, sizes[2] - 1)
    before = ref.Transformer(ref.Config(**_config(sizes))).state_dict()
    model = submission.Transformer(submission.Config(**_config(sizes)))
    load_weights(model, {name: 0.1 * rand.normal(*value.shape) for name, value in before.items()})
    submission.load_gpt2_weights(model, _state(gpt2))
    with torch.no_grad():
        expected = gpt2(tokens).logits
    compare(model(tokens), expected, what="the tensor of logits", axes="batch pos d_vocab")


def test_your_transformer_runs_the_shipped_model(submission, rand):
    """The language model that comes with this course gives the same logits in your Transformer as in transformers."""
    folder = model_path("small-lm")
    theirs = GPT2Config(**json.loads((folder / "config.json").read_text()))
    gpt2 = GPT2LMHeadModel(theirs).eval()
    state = load_state_dict("small-lm")
    gpt2.load_state_dict(state, strict=False)
    gpt2.tie_weights()
    sizes = (theirs.vocab_size, theirs.n_embd, theirs.n_positions, theirs.n_layer, theirs.n_head)
    sizes += (theirs.n_embd // theirs.n_head, theirs.n_inner or 4 * theirs.n_embd)
    model = submission.Transformer(submission.Config(**_config(sizes)))
    submission.load_gpt2_weights(model, state)
    tokens = rand.integers(theirs.vocab_size, 2, 5)
    with torch.no_grad():
        expected = gpt2(tokens).logits
    compare(model(tokens), expected, what="the tensor of logits", axes="batch pos d_vocab")


def _load_and_change(model, state_dict, change):
    """The reference, and then a change to each layer: change(attention module, c_attn weight, c_attn bias, n_heads)."""
    ref.load_gpt2_weights(model, state_dict)
    weights = {name.removeprefix("transformer."): value for name, value in state_dict.items()}
    with torch.no_grad():
        for i, block in enumerate(model.blocks):
            fused, bias = weights[f"h.{i}.attn.c_attn.weight"], weights[f"h.{i}.attn.c_attn.bias"]
            change(block.attn, fused, bias, len(block.attn.W_Q))


def _put(attn, parts, biases, pattern, bias_pattern, **sizes):
    for name, part, bias in zip("QKV", parts, biases, strict=True):
        getattr(attn, f"W_{name}").copy_(einops.rearrange(part, pattern, **sizes))
        getattr(attn, f"b_{name}").copy_(einops.rearrange(bias, bias_pattern, **sizes))


@mistake("You take d_head to be d_model / n_heads. It may be another number: take it from the shape of W_Q.")
def d_head_from_d_model(model, state_dict):
    n_heads, d_model, d_head = model.blocks[0].attn.W_Q.shape
    if n_heads * d_head != d_model:
        raise RuntimeError("the shapes do not fit")
    ref.load_gpt2_weights(model, state_dict)


@mistake("The thirds of c_attn are in the wrong order: queries, then keys, then values.")
def keys_first(model, state_dict):
    def change(attn, fused, bias, n_heads):
        q, k, v = fused.chunk(3, dim=1)
        b_q, b_k, b_v = bias.chunk(3)
        pattern = "d_model (head d_head) -> head d_model d_head"
        _put(attn, (k, q, v), (b_k, b_q, b_v), pattern, "(head d_head) -> head d_head", head=n_heads)

    _load_and_change(model, state_dict, change)


@mistake("The thirds of c_attn are read backwards: queries, then keys, then values.")
def values_first(model, state_dict):
    def change(attn, fused, bias, n_heads):
        pattern = "d_model (head d_head) -> head d_model d_head"
        thirds, biases = fused.chunk(3, dim=1)[::-1], bias.chunk(3)[::-1]
        _put(attn, thirds, biases, pattern, "(head d_head) -> head d_head", head=n_heads)

    _load_and_change(model, state_dict, change)


@mistake("You split the columns as (d_head, head). Heads come one after the other: (head, d_head).")
def heads_are_the_inner_axis(model, state_dict):
    def change(attn, fused, bias, n_heads):
        pattern = "d_model (d_head head) -> head d_model d_head"
        _put(attn, fused.chunk(3, dim=1), bias.chunk(3), pattern, "(d_head head) -> head d_head", head=n_heads)

    _load_and_change(model, state_dict, change)


def _d_head_first(model, state_dict, *endings):
    """The reference, which reads the weights whose names end like this as if the heads were the inner axis."""
    patterns = {
        "c_attn.weight": "d_model (qkv d_head head) -> d_model (qkv head d_head)",
        "c_attn.bias": "(qkv d_head head) -> (qkv head d_head)",
        "attn.c_proj.weight": "(qkv d_head head) d_model -> (qkv head d_head) d_model",
    }
    changed, n_heads = dict(state_dict), len(model.blocks[0].attn.W_Q)
    for name, value in state_dict.items():
        for ending in endings:
            if name.endswith(ending):
                qkv = 1 if "c_proj" in ending else 3
                changed[name] = einops.rearrange(value, patterns[ending], qkv=qkv, head=n_heads)
    ref.load_gpt2_weights(model, changed)


@mistake("You split the columns of c_attn.weight as (d_head, head). Heads come one after the other: (head, d_head).")
def heads_are_the_inner_axis_of_the_weight(model, state_dict):
    _d_head_first(model, state_dict, "c_attn.weight")


@mistake("You split the rows of attn.c_proj.weight as (d_head, head). Heads come one after the other: (head, d_head).")
def heads_are_the_inner_axis_of_W_O(model, state_dict):
    _d_head_first(model, state_dict, "attn.c_proj.weight")


@mistake("You split as (d_head, head), in c_attn and in c_proj. Heads come one after the other: (head, d_head).")
def heads_are_the_inner_axis_everywhere(model, state_dict):
    _d_head_first(model, state_dict, "c_attn.weight", "c_attn.bias", "attn.c_proj.weight")


@mistake(
    "You split the weights of c_attn and c_proj as (d_head, head). Heads come one after the other: (head, d_head)."
)
def heads_are_the_inner_axis_of_all_weights(model, state_dict):
    _d_head_first(model, state_dict, "c_attn.weight", "attn.c_proj.weight")


@mistake(
    "You reshape straight to [head, d_model, d_head]: that mixes rows up. Split the columns first, then move the axis."
)
def reshapes_without_moving_the_axis(model, state_dict):
    def change(attn, fused, bias, n_heads):
        for name, part in zip("QKV", fused.chunk(3, dim=1), strict=True):
            W = getattr(attn, f"W_{name}")
            W.copy_(part.reshape(W.shape))

    _load_and_change(model, state_dict, change)


@mistake(
    "You read c_attn as head by head, with q, k and v inside each head. The three come first, the heads inside each."
)
def heads_before_qkv(model, state_dict):
    def change(attn, fused, bias, n_heads):
        parts = einops.rearrange(fused, "d_model (head qkv d_head) -> qkv d_model (head d_head)", qkv=3, head=n_heads)
        biases = einops.rearrange(bias, "(head qkv d_head) -> qkv (head d_head)", qkv=3, head=n_heads)
        pattern = "d_model (head d_head) -> head d_model d_head"
        _put(attn, parts, biases, pattern, "(head d_head) -> head d_head", head=n_heads)

    _load_and_change(model, state_dict, change)


@mistake("You transpose attn.c_proj.weight. Conv1D is [in, out] already, unlike nn.Linear.")
def transposes_the_output(model, state_dict):
    ref.load_gpt2_weights(model, state_dict)
    with torch.no_grad():
        for i, block in enumerate(model.blocks):
            (out,) = (v for n, v in state_dict.items() if n.endswith(f"h.{i}.attn.c_proj.weight"))
            block.attn.W_O.copy_(out.T.reshape(block.attn.W_O.shape))


@mistake("You transpose c_fc and c_proj of the MLP. Conv1D is [in, out] already, unlike nn.Linear.")
def transposes_the_mlp(model, state_dict):
    ref.load_gpt2_weights(model, state_dict)
    (weight,) = (value for name, value in state_dict.items() if name.endswith("h.0.mlp.c_fc.weight"))
    model.blocks[0].mlp.W_in.data.copy_(weight.T)


def _transposed(model, state_dict, *endings):
    ref.load_gpt2_weights(model, {n: v.T if n.endswith(endings) else v for n, v in state_dict.items()})


@mistake("You transpose mlp.c_fc.weight. Conv1D is [in, out] already, unlike nn.Linear.")
def transposes_c_fc(model, state_dict):
    _transposed(model, state_dict, "mlp.c_fc.weight")


@mistake("You transpose mlp.c_fc.weight and mlp.c_proj.weight. Conv1D is [in, out] already, unlike nn.Linear.")
def transposes_c_fc_and_c_proj(model, state_dict):
    _transposed(model, state_dict, "mlp.c_fc.weight", "mlp.c_proj.weight")


@mistake("The head is stored as [d_vocab, d_model], like wte: transpose it for W_U.")
def does_not_transpose_the_head(model, state_dict):
    ref.load_gpt2_weights(model, state_dict)
    model.W_U.data.copy_(state_dict.get("lm_head.weight", model.W_E.data))


@mistake("You reshape the head to [d_model, d_vocab]: that keeps the order of the numbers. Transpose it.")
def reshapes_the_head(model, state_dict):
    ref.load_gpt2_weights(model, state_dict)
    model.W_U.data.copy_(state_dict.get("lm_head.weight", model.W_E.data).reshape(model.W_U.shape))


@mistake("The biases b_Q, b_K and b_V are not loaded: they lie in c_attn.bias.")
def forgets_the_attention_biases(model, state_dict):
    before = [[b.clone() for b in (block.attn.b_Q, block.attn.b_K, block.attn.b_V)] for block in model.blocks]
    ref.load_gpt2_weights(model, state_dict)
    with torch.no_grad():
        for block, biases in zip(model.blocks, before, strict=True):
            for name, bias in zip("QKV", biases, strict=True):
                getattr(block.attn, f"b_{name}").copy_(bias)


def _keeps(parameters_of):
    """A loader after which the parameters that parameters_of(model) lists are as they were before."""

    def load(model, state_dict):
        before = [p.detach().clone() for p in parameters_of(model)]
        ref.load_gpt2_weights(model, state_dict)
        with torch.no_grad():
            for parameter, value in zip(parameters_of(model), before, strict=True):
                parameter.copy_(value)

    return load


@mistake("b_O is not loaded: it is attn.c_proj.bias.")
def forgets_b_O(model, state_dict):
    _keeps(lambda m: [block.attn.b_O for block in m.blocks])(model, state_dict)


@mistake("The MLP's biases are not loaded: mlp.c_fc.bias and mlp.c_proj.bias.")
def forgets_the_mlp_biases(model, state_dict):
    _keeps(lambda m: [b for block in m.blocks for b in (block.mlp.b_in, block.mlp.b_out)])(model, state_dict)


@mistake("ln_final is not loaded: it is ln_f, outside the layers.")
def forgets_ln_final(model, state_dict):
    _keeps(lambda m: list(m.ln_final.parameters()))(model, state_dict)


@mistake("The LayerNorms of the layers are not loaded: ln_1 and ln_2, weight and bias.")
def forgets_the_layer_norms(model, state_dict):
    _keeps(lambda m: [p for block in m.blocks for ln in (block.ln1, block.ln2) for p in ln.parameters()])(
        model, state_dict
    )


@mistake("W_U is not loaded: GPT-2 ties its head, so W_U is wte.weight transposed.")
def forgets_W_U(model, state_dict):
    _keeps(lambda m: [m.W_U])(model, state_dict)


@mistake("ln_1 and ln_2 are swapped: ln_1 stands before attention, ln_2 before the MLP.")
def swaps_the_layer_norms(model, state_dict):
    other = {"ln_1": "ln_2", "ln_2": "ln_1"}
    swapped = {}
    for name, value in state_dict.items():
        parts = name.split(".")
        swapped[".".join(other.get(part, part) for part in parts)] = value
    ref.load_gpt2_weights(model, swapped)


@mistake("You load the same layer into all of them: the layer's number belongs in the name.")
def first_layer_everywhere(model, state_dict):
    copied = dict(state_dict)
    for name in state_dict:
        head, h, rest = name.partition("h.")
        if h and rest[:1].isdigit():
            copied[name] = state_dict[f"{head}h.0.{rest.split('.', 1)[1]}"]
    ref.load_gpt2_weights(model, copied)


@mistake("You always take wte for the head. Where the state dict has an lm_head.weight, that is the head.")
def always_tied(model, state_dict):
    ref.load_gpt2_weights(model, {n: v for n, v in state_dict.items() if n != "lm_head.weight"})


@mistake('The names of a GPT2Model have no "transformer." in front: accept both.')
def needs_the_prefix(model, state_dict):
    if "transformer.wte.weight" not in state_dict:
        raise KeyError("transformer.wte.weight")
    ref.load_gpt2_weights(model, state_dict)


@mistake('The names of a GPT2LMHeadModel begin with "transformer.": accept both.')
def knows_no_prefix(model, state_dict):
    if "wte.weight" not in state_dict:
        raise KeyError("wte.weight")
    ref.load_gpt2_weights(model, state_dict)


@mistake("A tied head is often left out of the state dict: without lm_head.weight, use wte.weight.")
def needs_lm_head(model, state_dict):
    if "lm_head.weight" not in state_dict:
        raise KeyError("lm_head.weight")
    ref.load_gpt2_weights(model, state_dict)


@mistake(
    "You share the state dict's tensors: copy their values (copy_ under no_grad), or one model's training changes the other."
)
def shares_the_tensors(model, state_dict):
    ref.load_gpt2_weights(model, state_dict)
    weights = {name.removeprefix("transformer."): value for name, value in state_dict.items()}
    model.W_E.data, model.W_pos.data = weights["wte.weight"], weights["wpe.weight"]
    model.W_U.data = weights.get("lm_head.weight", weights["wte.weight"]).T
    for i, block in enumerate(model.blocks):
        block.mlp.W_in.data = weights[f"h.{i}.mlp.c_fc.weight"]


@mistake("A state dict with more layers than the model loads without a word: raise a ValueError.")
def ignores_further_layers(model, state_dict):
    n_layers = len(model.blocks)

    def fits(name):
        _, h, rest = name.partition("h.")
        return not (h and rest[:1].isdigit()) or int(rest.split(".")[0]) < n_layers

    ref.load_gpt2_weights(model, {name: value for name, value in state_dict.items() if fits(name)})


def _copied_by(copy):
    """The reference with another way of putting each value into its parameter: copy(model, name, value)."""

    def load(model, state_dict):
        names = {name.removeprefix("transformer.") for name in state_dict}
        if f"h.{len(model.blocks)}.ln_1.weight" in names or f"h.{len(model.blocks) - 1}.ln_1.weight" not in names:
            raise ValueError("another number of layers")
        filled = copy_module.deepcopy(model)
        ref.load_gpt2_weights(filled, state_dict)
        for name, value in filled.state_dict().items():
            copy(model, name, value)

    return load


@mistake(
    "You put new nn.Parameters in place of the old ones, which an optimizer still holds: copy the values into them."
)
def replaces_the_parameters(model, state_dict):
    def copy(model, name, value):
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, torch.nn.Parameter(value.clone()))

    _copied_by(copy)(model, state_dict)


@mistake(
    "copy_ repeats a weight of size 1 until it fits, without a word: compare the shapes first, or use load_state_dict."
)
def copies_whatever_fits(model, state_dict):
    weights = dict(state_dict)
    for name, value in state_dict.items():
        if value.shape[:1] == (1,):
            size = {"wpe.weight": model.W_pos.shape[0], "mlp.c_fc.bias": model.blocks[0].mlp.b_in.shape[0]}
            wanted = [n for end, n in size.items() if name.endswith(end)] or [model.W_E.shape[1]]
            weights[name] = value.expand(wanted[0], *value.shape[1:])
    ref.load_gpt2_weights(model, weights)


@mistake("You count layers by the largest name, and as text '9' is larger than '11': turn the numbers into int first.")
def compares_numbers_as_text(model, state_dict):
    largest = max(name.split("h.")[1].split(".")[0] for name in state_dict if "h." in name)
    if int(largest) + 1 != len(model.blocks):
        raise ValueError(f"{int(largest) + 1} layers")
    ref.load_gpt2_weights(model, state_dict)
