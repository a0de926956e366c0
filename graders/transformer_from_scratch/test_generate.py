"""generate: against a loop that runs the whole sequence again for every token, with a sampler on the judge's side.

The model is the kit's: its parameters are those of a `Transformer`, and it counts the positions that it is run on.
The sampler records what it is given; what it chooses depends on it but is not its largest entry.
"""

import pytest
import torch

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours

SIZES = {"d_vocab": 13, "d_model": 8, "n_ctx": 12, "n_layers": 3, "n_heads": 2, "d_head": 5, "d_mlp": 11}


class Sampler:
    """Adds noise of its own, step by step, and takes the largest: the same logits give the same tokens."""

    def __init__(self, noise):
        self.noise, self.seen = noise, []

    def __call__(self, logits):
        step, shape = len(self.seen), self.noise.shape[1:]
        self.seen.append(logits)
        if not torch.is_tensor(logits) or logits.shape != shape:
            return torch.zeros(shape[0], dtype=torch.int64)  # the comparison afterwards says what is wrong
        return (logits.detach() + (self.noise[step] if step < len(self.noise) else 0.0)).argmax(dim=-1)


def _slowly(model, tokens, n_new, sampler):
    """All tokens, without a cache."""
    with torch.no_grad():
        for _ in range(n_new):
            tokens = torch.cat([tokens, sampler(model(tokens)[:, -1])[:, None]], dim=1)
    return tokens


def _case(rand, batch, n_prompt, n_new):
    """Prompts, noise for the sampler, the logits of each step and the result.

    No choice of the sampler's is so close that rounding could decide it.
    """
    model = ref.Transformer(ref.Config(**SIZES))
    model.load_state_dict(ours.CountingTransformer(ref.Config(**SIZES), rand.seed).state_dict())
    tokens = rand.integers(SIZES["d_vocab"], batch, n_prompt)
    while True:
        sampler = Sampler(rand.normal(n_new, batch, SIZES["d_vocab"]))
        result = _slowly(model, tokens, n_new, sampler)
        largest = [(logits + noise).topk(2).values for logits, noise in zip(sampler.seen, sampler.noise, strict=True)]
        if all((top[:, 0] - top[:, 1]).min() > 0.02 for top in largest):
            return tokens, sampler.noise, sampler.seen, result


def test_nothing_new(submission, kit, rand):
    """With n_new = 0 the prompts come back, and the sampler is not called."""
    tokens, sampler = rand.integers(13, 2, 3), Sampler(torch.zeros(0, 2, 13))
    result = submission.generate(kit.CountingTransformer(submission.Config(**SIZES), rand.seed), tokens, 0, sampler)
    compare(result, tokens, what="the result", axes="batch pos")
    compare(len(sampler.seen), 0, what="the number of calls of the sampler")


@pytest.mark.parametrize("batch, n_prompt, n_new", [(3, 5, 1), (1, 1, 4), (2, 4, 5), (3, 6, 6)])
def test_the_same_as_without_a_cache(submission, kit, rand, batch, n_prompt, n_new):
    """The sampler gets the last position's logits, as if the whole sequence were run again; what it chooses is added."""
    tokens, noise, logits, expected = _case(rand, batch, n_prompt, n_new)
    model, sampler = kit.CountingTransformer(submission.Config(**SIZES), rand.seed), Sampler(noise)
    result = submission.generate(model, tokens, n_new, sampler)
    for step, (mine, right) in enumerate(zip(sampler.seen, logits, strict=False)):
        compare(mine, right, what=f"what the sampler is given for new token {step + 1}", axes="batch d_vocab")
    compare(len(sampler.seen), n_new, what="the number of calls of the sampler")
    compare(result, expected, what="the result", axes="batch pos")


@pytest.mark.parametrize("batch, n_prompt, n_new", [(2, 4, 5), (3, 3, 9), (1, 1, 8)])
def test_no_position_is_computed_twice(submission, kit, rand, batch, n_prompt, n_new):
    """Each position goes through the model once: the cost of a new token does not grow with the text before it."""
    tokens, sampler = rand.integers(13, batch, n_prompt), Sampler(rand.normal(n_new, batch, 13))
    model = kit.CountingTransformer(submission.Config(**SIZES), rand.seed)
    submission.generate(model, tokens, n_new, sampler)
    positions, allowed = model.positions_run(), batch * (n_prompt + n_new)
    assert positions <= allowed, (
        f"To add {n_new} tokens to {batch} x {n_prompt}, your code ran the model on {positions} positions; with the cache, "
        f"{allowed - batch} are enough. Run the prompt once, and after that only the newest token of each sequence."
    )


def test_no_gradients_are_kept(submission, kit, rand):
    """No graph is recorded while tokens are made: it would hold every activation in memory."""
    model = kit.CountingTransformer(submission.Config(**SIZES), rand.seed)
    submission.generate(model, rand.integers(13, 2, 3), 2, Sampler(rand.normal(2, 2, 13)))
    recorded = model.recorded_a_graph()
    assert not recorded, "Your code records a graph for gradients that nobody needs: work under torch.no_grad()."


def test_the_model_can_still_be_trained(submission, kit, rand):
    """Afterwards gradients are recorded again, and the model's parameters still require them."""
    model = kit.CountingTransformer(submission.Config(**SIZES), rand.seed)
    submission.generate(model, rand.integers(13, 2, 3), 2, Sampler(rand.normal(2, 2, 13)))
    on, stuck = kit.gradients_are_on(), kit.untrainable(model)
    assert on, "After your code nothing records gradients any more: use `with torch.no_grad():`, which ends by itself."
    assert not stuck, f"After your code {stuck[0]} cannot be trained any more: use torch.no_grad(), not requires_grad_."


def _step(model, tokens, cache):
    with torch.no_grad():
        return ref.forward_with_cache(model, tokens, cache)


def _append(tokens, new):
    return torch.cat([tokens, new[:, None]], dim=1)


@mistake("You run the whole sequence again for every token: keep one KVCache and give it only what it has not seen.")
def no_cache(model, tokens, n_new, sampler):
    for _ in range(n_new):
        tokens = _append(tokens, sampler(_step(model, tokens, ref.KVCache())[:, -1]))
    return tokens


@mistake("You keep a cache but pass the whole sequence each time: what the cache has seen is then there twice.")
def whole_sequence_into_the_cache(model, tokens, n_new, sampler):
    cache = ref.KVCache()
    for _ in range(n_new):
        tokens = _append(tokens, sampler(_step(model, tokens, cache)[:, -1]))
    return tokens


@mistake("You make a new cache for each token: the newest token then sees none of those before it.")
def forgets_the_prompt(model, tokens, n_new, sampler):
    new = tokens
    for _ in range(n_new):
        new = sampler(_step(model, new, ref.KVCache())[:, -1])[:, None]
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


@mistake("You run the prompt's last token twice: after the prompt its logits are there already.")
def last_prompt_token_twice(model, tokens, n_new, sampler):
    cache = ref.KVCache()
    if n_new:
        _step(model, tokens, cache)
    for _ in range(n_new):
        tokens = _append(tokens, sampler(_step(model, tokens[:, -1:], cache)[:, -1]))
    return tokens


@mistake("You always take the largest logit. Let the sampler choose: it is an argument.")
def greedy(model, tokens, n_new, sampler):
    return ref.generate(model, tokens, n_new, lambda logits: logits.argmax(dim=-1))


@mistake("You return the new tokens alone: the prompt stands before them.")
def only_the_new_tokens(model, tokens, n_new, sampler):
    return ref.generate(model, tokens, n_new, sampler)[:, tokens.shape[1] :]


@mistake("You add one token too many.")
def one_too_many(model, tokens, n_new, sampler):
    cache, new = ref.KVCache(), tokens
    for _ in range(n_new + 1):
        new = sampler(_step(model, new, cache)[:, -1])[:, None]
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


@mistake("You add one token too few: the logits of the prompt's last position give the first new token.")
def one_too_few(model, tokens, n_new, sampler):
    return ref.generate(model, tokens, max(n_new - 1, 0), sampler)


@mistake("You give the sampler the logits of the first position: the next token follows the last one, logits[:, -1].")
def first_position(model, tokens, n_new, sampler):
    cache, new = ref.KVCache(), tokens
    for _ in range(n_new):
        new = sampler(_step(model, new, cache)[:, 0])[:, None]
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


@mistake(
    "You give the sampler the logits of all positions, [batch, pos, d_vocab]: it wants the last one's, logits[:, -1]."
)
def all_positions(model, tokens, n_new, sampler):
    cache, new = ref.KVCache(), tokens
    for _ in range(n_new):
        new = sampler(_step(model, new, cache))[:, None]
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


@mistake("You give the sampler probabilities: it takes logits.")
def probabilities(model, tokens, n_new, sampler):
    return ref.generate(model, tokens, n_new, lambda logits: sampler(logits.softmax(dim=-1)))


@mistake("Every row gets the token that was chosen for the first one: the sampler chooses one for each row.")
def first_row_for_all(model, tokens, n_new, sampler):
    return ref.generate(model, tokens, n_new, lambda logits: sampler(logits)[:1].expand(len(logits)))


@mistake("You run the prompt's last token again instead of the newest one.")
def never_feeds_the_new_token(model, tokens, n_new, sampler):
    cache, new = ref.KVCache(), tokens
    prompt = tokens
    for _ in range(n_new):
        logits = _step(model, new, cache)[:, -1]
        new = prompt[:, -1:]
        tokens = _append(tokens, sampler(logits))
    return tokens


@mistake("You work without torch.no_grad(), and so every step's activations stay in memory.")
def keeps_the_graph(model, tokens, n_new, sampler):
    cache, new = ref.KVCache(), tokens
    for _ in range(n_new):
        new = sampler(ref.forward_with_cache(model, new, cache)[:, -1])[:, None]
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


@mistake("You switch gradients off for good: use `with torch.no_grad():`, which switches them on again at its end.")
def gradients_off_for_good(model, tokens, n_new, sampler):
    torch.set_grad_enabled(False)
    return ref.generate(model, tokens, n_new, sampler)


@mistake("You freeze the model's parameters: it could not be trained afterwards. Use torch.no_grad().")
def freezes_the_model(model, tokens, n_new, sampler):
    model.requires_grad_(False)
    return ref.generate(model, tokens, n_new, sampler)
