"""decompose_scores: piece by piece against a loop over sources, and its sum against what the model's own attention does.

The models' every weight counts: LayerNorms scale and shift, attention has biases, the MLPs add something.
"""

import math

import pytest
import torch
import torch.nn.functional as F

import solutions.induction_heads as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache
from graders.induction_heads import kit as ours

SIZES = {"d_vocab": 11, "d_model": 9, "n_ctx": 8, "n_layers": 3, "n_heads": 4, "d_head": 5, "d_mlp": 7}
SOURCES = [
    "the token embedding",
    "the position embedding",
    *(f"head {head} of layer 0" for head in range(4)),
    "the rest",
]
AXES = "query_source key_source batch query key"


def _model(rand):
    return ours.random_transformer(rand.seed, **SIZES)


def _attention_reads(model, tokens):
    """The stream before layer 1, by its sources, in double precision and without hooks: 7 of [batch, pos, d_model]."""
    model = model.double()
    block, n_pos = model.blocks[0], tokens.shape[1]
    attn, ln1, ln2, mlp = block.attn, block.ln1, block.ln2, block.mlp
    sources = [model.W_E[tokens], model.W_pos[:n_pos].expand(len(tokens), -1, -1)]
    resid = sources[0] + sources[1]
    x = F.layer_norm(resid, resid.shape[-1:], ln1.weight, ln1.bias, ln1.eps)
    for head in range(len(attn.W_Q)):
        q, k, v = (x @ W[head] + b[head] for W, b in ((attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)))
        sources.append(F.scaled_dot_product_attention(q, k, v, is_causal=True) @ attn.W_O[head])
    resid = sum(sources) + attn.b_O
    x = F.layer_norm(resid, resid.shape[-1:], ln2.weight, ln2.bias, ln2.eps)
    return [*sources, attn.b_O + F.gelu(x @ mlp.W_in + mlp.b_in, approximate="tanh") @ mlp.W_out + mlp.b_out]


def _by_hand(model, tokens, head):
    """One pair of sources, row, query and key at a time."""
    with torch.no_grad():
        sources = _attention_reads(model, tokens)
        attn, ln, batch, n_pos, n = model.blocks[1].attn, model.blocks[1].ln1, *tokens.shape, len(sources)
        stream = sum(sources)
        scale = (stream.var(dim=-1, correction=0) + ln.eps).sqrt()
        queries, keys = torch.zeros(2, n, batch, n_pos, 5, dtype=torch.float64)
        for s, source in enumerate(sources):
            for b in range(batch):
                for i in range(n_pos):
                    read = ln.weight * (source[b, i] - source[b, i].mean()) / scale[b, i]
                    last = s == n - 1
                    queries[s, b, i] = (read + last * ln.bias) @ attn.W_Q[head] + last * attn.b_Q[head]
                    keys[s, b, i] = (read + last * ln.bias) @ attn.W_K[head] + last * attn.b_K[head]
        scores = torch.zeros(n, n, batch, n_pos, n_pos)
        for s in range(n):
            for t in range(n):
                scores[s, t] = queries[s] @ keys[t].mT / math.sqrt(5)
        return scores


def _decomposed(submission, kit, rand, tokens, head):
    return submission.decompose_scores(kit.random_transformer(rand.seed, **SIZES), tokens, head)


def test_shape(submission, kit, rand):
    """One score for each query source, key source, row, query and key: the sources are 2 embeddings, 4 heads, and the rest."""
    found = _decomposed(submission, kit, rand, rand.integers(11, 3, 6), 2)
    compare(found, torch.zeros(7, 7, 3, 6, 6), what="the result", axes=AXES, atol=math.inf)


@pytest.mark.parametrize("head", [0, 2, 3])
def test_the_pieces_sum_to_the_scores(submission, kit, rand, head):
    """Summed over both source axes, masked and through the softmax, the pieces give the head's true attention pattern."""
    tokens = rand.integers(11, 3, 6)
    found = _decomposed(submission, kit, rand, tokens, head)
    compare(found, torch.zeros(7, 7, 3, 6, 6), what="the result", axes=AXES, atol=math.inf)
    later = torch.ones(6, 6, dtype=torch.bool).triu(diagonal=1)
    pattern = found.detach().sum(dim=(0, 1)).masked_fill(later, -math.inf).softmax(dim=-1)
    true = run_with_cache(_model(rand), tokens, ["blocks.1.attn.hook_pattern"])[1]["blocks.1.attn.hook_pattern"]
    what = f"the pattern that the sum of all pieces gives for head {head}"
    compare(pattern, true[:, head].detach(), what=what, axes="batch query key")


@pytest.mark.parametrize("head", [0, 1, 3])
def test_the_sum_is_the_score_before_the_mask(submission, kit, rand, head):
    """Summed over both source axes, the pieces are q . k / sqrt(d_head), for keys after the query too."""
    tokens = rand.integers(11, 2, 5)
    names = ["blocks.1.attn.hook_q", "blocks.1.attn.hook_k"]
    q, k = (activation[:, :, head] for activation in run_with_cache(_model(rand), tokens, names)[1].values())
    found = _decomposed(submission, kit, rand, tokens, head)
    compare(found, torch.zeros(7, 7, 2, 5, 5), what="the result", axes=AXES, atol=math.inf)
    expected = (q @ k.mT / math.sqrt(5)).detach()
    compare(found.detach().sum(dim=(0, 1)), expected, what="the sum of all pieces", axes="batch query key")


def test_each_piece(submission, kit, rand):
    """Each pair of sources has the score that only these two write: query and key sources are not mixed up."""
    tokens = rand.integers(11, 2, 4)
    found, expected = _decomposed(submission, kit, rand, tokens, 1), _by_hand(_model(rand), tokens, 1)
    compare(found, torch.zeros(7, 7, 2, 4, 4), what="the result", axes=AXES, atol=math.inf)
    for s, query_source in enumerate(SOURCES):
        for t, key_source in enumerate(SOURCES):
            what = f"the piece [{s}, {t}] (the query reads {query_source}, the key {key_source})"
            compare(found[s, t], expected[s, t], what=what, axes="batch query key")


def test_a_model_without_embeddings(submission, kit, rand):
    """Where the embeddings are 0 and heads write nothing, all that is left is the score of the last source with itself."""
    model, tokens = _model(rand), rand.integers(11, 3, 5)
    with torch.no_grad():
        for parameter in (model.W_E, model.W_pos, model.blocks[0].attn.W_O):
            parameter.zero_()
    expected = torch.zeros(7, 7, 3, 5, 5)
    expected[6, 6] = _by_hand(model, tokens, 2)[6, 6]
    weights = {name: value.float() for name, value in model.state_dict().items()}
    found = submission.decompose_scores(kit.loaded_transformer(weights, **SIZES), tokens, 2)
    compare(found, expected, what="the result", axes=AXES)


def test_two_layers_and_other_sizes(submission, kit, rand):
    """A model of two layers with one head in each has four sources."""
    sizes = SIZES | {"n_layers": 2, "n_heads": 1}
    tokens = rand.integers(11, 2, 3)
    found = submission.decompose_scores(kit.random_transformer(rand.seed, **sizes), tokens, 0)
    expected = _by_hand(ours.random_transformer(rand.seed, **sizes), tokens, 0)
    compare(found, expected, what="the result", axes=AXES)


def test_the_model_is_left_as_it_was(submission, kit, rand):
    """Afterwards no hook is left on the model, and it gives its own logits."""
    model, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 2, 5)
    submission.decompose_scores(model, tokens, 0)
    left, logits = kit.hooks_left(model), model(tokens)
    compare(left, {}, what="the dict of hooks on the model after a call")
    compare(logits, _model(rand)(tokens).detach(), what="the model's result afterwards", axes="batch pos d_vocab")


def _read(model, tokens, *, centred=True, scale="blocks.1.ln1.hook_scale"):
    """What layer 1 reads of each source, without ln1.bias."""
    sources = ref.score_sources(model, tokens)
    if centred:
        sources = sources - sources.mean(dim=-1, keepdim=True)
    return sources / run_with_cache(model, tokens, [scale])[1][scale] * model.blocks[1].ln1.weight


def _scores(q, k, d_head=None):
    return torch.einsum("sbqd,tbkd->stbqk", q, k) / math.sqrt(d_head or q.shape[-1])


def _in_last(read, added):
    """`read`, with something added to the last source."""
    return torch.cat([read[:-1], read[-1:] + added])


def _finish(model, head, read, biases="QK", layer=1):
    """From what is read, ln1.bias included, to scores; `biases`: which of b_Q and b_K go to the last source."""
    attn = model.blocks[layer].attn
    q = _in_last(read @ attn.W_Q[head], attn.b_Q[head] if "Q" in biases else 0)
    k = _in_last(read @ attn.W_K[head], attn.b_K[head] if "K" in biases else 0)
    return _scores(q, k)


@mistake("You do not divide by sqrt(d_head).")
def not_divided(model, tokens, head):
    scores = ref.decompose_scores(model, tokens, head)
    return scores * math.sqrt(model.blocks[1].attn.W_Q.shape[-1])


@mistake("You divide by sqrt(d_model): the queries and keys have d_head entries.")
def divided_by_the_root_of_d_model(model, tokens, head):
    attn = model.blocks[1].attn
    return ref.decompose_scores(model, tokens, head) * math.sqrt(attn.W_Q.shape[-1] / attn.W_Q.shape[-2])


@mistake("The two source axes are the wrong way round: the query's source comes first.")
def sources_swapped(model, tokens, head):
    return ref.decompose_scores(model, tokens, head).transpose(0, 1)


@mistake("The last two axes are the wrong way round: query before key.")
def query_and_key_swapped(model, tokens, head):
    return ref.decompose_scores(model, tokens, head).transpose(-1, -2)


@mistake("W_Q and W_K are the wrong way round.")
def W_Q_and_W_K_swapped(model, tokens, head):
    return ref.decompose_scores(model, tokens, head).transpose(0, 1).transpose(-1, -2)


@mistake("You forget to subtract each source's own mean over d_model: LayerNorm does that first.")
def not_centred(model, tokens, head):
    read = _read(model, tokens, centred=False)
    return _finish(model, head, _in_last(read, model.blocks[1].ln1.bias))


@mistake("ln1.weight is missing: LayerNorm multiplies by it after the division by the scale.")
def no_weight(model, tokens, head):
    ln1 = model.blocks[1].ln1
    return _finish(model, head, _in_last(_read(model, tokens) / ln1.weight, ln1.bias))


@mistake("ln1.bias is missing: it belongs to the last source.")
def no_ln_bias(model, tokens, head):
    return _finish(model, head, _read(model, tokens))


@mistake("b_Q and b_K are missing: they belong to the last source.")
def no_attention_biases(model, tokens, head):
    return _finish(model, head, _in_last(_read(model, tokens), model.blocks[1].ln1.bias), biases="")


@mistake("b_K is missing: it belongs to the last source's key.")
def no_b_K(model, tokens, head):
    return _finish(model, head, _in_last(_read(model, tokens), model.blocks[1].ln1.bias), biases="Q")


@mistake("b_Q is missing: it belongs to the last source's query.")
def no_b_Q(model, tokens, head):
    return _finish(model, head, _in_last(_read(model, tokens), model.blocks[1].ln1.bias), biases="K")


@mistake("ln1.bias is added to every source: it is there once, in the last.")
def ln_bias_in_every_source(model, tokens, head):
    return _finish(model, head, _read(model, tokens) + model.blocks[1].ln1.bias)


@mistake("b_Q and b_K are added to every source: they are there once, in the last.")
def attention_biases_in_every_source(model, tokens, head):
    attn, read = model.blocks[1].attn, _in_last(_read(model, tokens), model.blocks[1].ln1.bias)
    return _scores(read @ attn.W_Q[head] + attn.b_Q[head], read @ attn.W_K[head] + attn.b_K[head])


@mistake("Each source goes through the whole of q and k with all biases: a bias is there once, in the last source.")
def all_biases_in_every_source(model, tokens, head):
    attn, read = model.blocks[1].attn, _read(model, tokens) + model.blocks[1].ln1.bias
    return _scores(read @ attn.W_Q[head] + attn.b_Q[head], read @ attn.W_K[head] + attn.b_K[head])


@mistake("The biases went to the first source: they belong to the last, 'everything else'.")
def biases_in_the_first_source(model, tokens, head):
    attn, read = model.blocks[1].attn, _read(model, tokens)
    read[0] = read[0] + model.blocks[1].ln1.bias
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]
    q[0], k[0] = q[0] + attn.b_Q[head], k[0] + attn.b_K[head]
    return _scores(q, k)


@mistake("You share the biases out evenly over the sources: they belong to the last.")
def biases_shared_out(model, tokens, head):
    attn, read = model.blocks[1].attn, _read(model, tokens)
    n = len(read)
    read = read + model.blocks[1].ln1.bias / n
    return _scores(read @ attn.W_Q[head] + attn.b_Q[head] / n, read @ attn.W_K[head] + attn.b_K[head] / n)


@mistake(
    "Each source is divided by a scale of its own. The scale is one for all of them, that of the whole stream: take it from "
    "`blocks.1.ln1.hook_scale`. Otherwise the pieces do not sum to the scores."
)
def own_scale(model, tokens, head):
    block = model.blocks[1]
    sources = ref.score_sources(model, tokens)
    read = block.ln1(sources) - block.ln1.bias
    return _finish(model, head, _in_last(read, block.ln1.bias))


@mistake("You take the scale of layer 0's LayerNorm: the head reads through layer 1's.")
def scale_of_layer_0(model, tokens, head):
    read = _read(model, tokens, scale="blocks.0.ln1.hook_scale")
    return _finish(model, head, _in_last(read, model.blocks[1].ln1.bias))


@mistake("You take the scale of ln2, which is the MLP's: the head reads through ln1.")
def scale_of_ln2(model, tokens, head):
    read = _read(model, tokens, scale="blocks.1.ln2.hook_scale")
    return _finish(model, head, _in_last(read, model.blocks[1].ln1.bias))


@mistake("You do not divide by LayerNorm's scale.")
def no_scale(model, tokens, head):
    sources, ln1 = ref.score_sources(model, tokens), model.blocks[1].ln1
    read = (sources - sources.mean(dim=-1, keepdim=True)) * ln1.weight
    return _finish(model, head, _in_last(read, ln1.bias))


@mistake("You leave LayerNorm out: what is read is the stream minus its mean, divided by the scale, times ln1.weight.")
def no_layer_norm(model, tokens, head):
    return _finish(model, head, ref.score_sources(model, tokens))


@mistake("You take W_Q and W_K of layer 0: the head is one of layer 1.")
def weights_of_layer_0(model, tokens, head):
    return _finish(model, head, _in_last(_read(model, tokens), model.blocks[1].ln1.bias), layer=0)


@mistake("You take head 0, whichever is asked for.")
def always_head_0(model, tokens, head):
    return ref.decompose_scores(model, tokens, 0)


@mistake("You mask the later keys: the pieces are wanted before the mask.")
def masked(model, tokens, head):
    return ref.decompose_scores(model, tokens, head).tril()


@mistake("You put -inf where the key comes after the query: the pieces are wanted before the mask.")
def masked_with_infinity(model, tokens, head):
    scores = ref.decompose_scores(model, tokens, head)
    return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(diagonal=1), -math.inf)


@mistake("You take a softmax of every piece: the pieces are scores, and only their sum goes into a softmax.")
def softmax_of_every_piece(model, tokens, head):
    return ref.decompose_scores(model, tokens, head).softmax(dim=-1)


@mistake("The last source is missing: the biases and the MLP are read as well.")
def without_the_rest(model, tokens, head):
    return ref.decompose_scores(model, tokens, head)[:-1, :-1]


@mistake("Each source's query meets only its own key: take every pair of sources.")
def only_equal_sources(model, tokens, head):
    scores = ref.decompose_scores(model, tokens, head)
    return scores * torch.eye(len(scores))[:, :, None, None, None]
