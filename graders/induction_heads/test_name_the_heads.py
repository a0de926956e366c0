"""name_the_heads: the claim is tried out on the model that the learner's name draws, by ablation and by patching.

There is no list of right answers here. Rows are BOS, 19 different tokens, and the same 19 again; what counts is how often the
most likely next token is right on the second copy. Ablation is by the mean over the batch, for each position on its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import mistake
from dojo.grading.bench import Missing
from dojo.grading.comparison import Mismatch, describe
from dojo.planted import mystery_heads
from dojo.transformer import run_with_cache, run_with_hooks

N_LAYERS, N_HEADS, N_ROWS, PERIOD = 3, 4, 8, 19
Z = [f"blocks.{layer}.attn.hook_z" for layer in range(N_LAYERS)]
EVERY = [(layer, head) for layer in range(N_LAYERS) for head in range(N_HEADS)]
ROLES = {"previous_token": "previous-token heads", "induction": "induction heads"}
claims: WeakKeyDictionary = WeakKeyDictionary()  # one claim a submission: finding it may take a second


@dataclass
class Bed:
    """What a claim is tried out on."""

    model: torch.nn.Module  # the judge's own model of this learner
    tokens: torch.Tensor  # the rows
    others: torch.Tensor  # tokens that do not stand in them, [row, PERIOD]
    accuracy: float
    z: dict[tuple[int, int], torch.Tensor]  # every head's z, [row, pos, d_head]


@lru_cache(maxsize=4)
def _bed(name, seed):
    model, generator = mystery_heads(name), torch.Generator().manual_seed(seed)
    order = 1 + torch.stack([torch.randperm(39, generator=generator) for _ in range(N_ROWS)])
    once, others = order[:, :PERIOD], order[:, PERIOD : 2 * PERIOD]
    tokens = torch.cat([torch.zeros(N_ROWS, 1, dtype=torch.int64), once, once], dim=1)
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens, Z)
    z = {(layer, head): cache[Z[layer]][:, :, head] for layer, head in EVERY}
    return Bed(model, tokens, others, _accuracy(logits, tokens), z)


@pytest.fixture
def bed(submission, bench):
    return _bed(_learner(submission), bench.test_seed("rows"))


@pytest.fixture
def claim(submission, kit, bench):
    """What the learner's function says of their model, as {role: [(layer, head), ...]}, once it has the right form."""
    name = _learner(submission)
    with bench.endpoint.untraced():
        if bench.endpoint not in claims:
            claims[bench.endpoint] = submission.name_the_heads(kit.mystery(name))
    answer = claims[bench.endpoint]
    bench.endpoint.trace.append(("call", "name_the_heads", "value", answer))
    return _checked(answer)


def _learner(submission):
    try:
        name = submission.LEARNER
    except Missing:
        name = None
    if type(name) is not str or not name.strip():
        raise Mismatch("type", 'The model is drawn from your name: write LEARNER = "..." with your name in it.')
    return name


def _checked(answer):
    """The claim with pairs as tuples; Mismatch with a sentence where it has another form."""

    def wrong(text):
        return Mismatch("type", f'{text} Return {{"previous_token": [(layer, head), ...], "induction": [...]}}.')

    if answer is None:
        raise wrong("The claim is None: is a `return` missing?")
    if not isinstance(answer, dict):
        raise wrong(f"The claim is {describe(answer)}.")
    for role in ROLES:
        if role not in answer:
            raise wrong(f"The claim has no entry '{role}'.")
        if not isinstance(answer[role], list | tuple):
            raise wrong(f"The entry '{role}' is {describe(answer[role])}, expected a list of (layer, head) pairs.")
    for role in answer:
        if role not in ROLES:
            raise wrong(f"The claim has an entry {role!r}, which is no role here.")
    found = {role: [_pair(role, pair, wrong) for pair in answer[role]] for role in ROLES}
    for role, heads in found.items():
        if not heads:
            raise Mismatch("value", f"You name no head as one of the {ROLES[role]}: name at least one.")
    named = [pair for heads in found.values() for pair in heads]
    twice = next((pair for pair in named if named.count(pair) > 1), None)
    if twice is not None:
        raise Mismatch("value", f"Head {twice} is named twice: here each head plays one role.")
    return found


def _items(pair):
    if isinstance(pair, torch.Tensor | np.ndarray):
        return pair.tolist()
    return pair if isinstance(pair, list | tuple) else []


def _pair(role, pair, wrong):
    numbers = [n.item() if isinstance(n, torch.Tensor | np.ndarray) and n.ndim == 0 else n for n in _items(pair)]
    if len(numbers) != 2 or any(type(number) is not int for number in numbers):
        raise wrong(f"In '{role}' stands {describe(pair)}, expected a pair of whole numbers (layer, head).")
    layer, head = numbers
    if not (0 <= layer < N_LAYERS and 0 <= head < N_HEADS):
        raise Mismatch(
            "value", f"There is no head {(layer, head)}: layers go from 0 to {N_LAYERS - 1}, heads to {N_HEADS - 1}."
        )
    return layer, head


def _accuracy(logits, tokens, places=slice(None)):
    """How often the most likely next token is right on the second copy; `places` picks among its first 18 positions."""
    right = logits[:, PERIOD + 1 : -1].argmax(dim=-1) == tokens[:, PERIOD + 2 :]
    return float(right[:, places].float().mean())


@torch.no_grad()
def _with(bed, tokens, new, positions=slice(None)):
    """Logits with z of some heads replaced at these positions; `new` is {(layer, head): [row or 1, pos, d_head]}."""

    def replace(head):
        def hook(z, hook):
            z = z.clone()
            z[:, positions, head[1]] = new[head][:, positions]
            return z

        return hook

    return run_with_hooks(bed.model, tokens, [(Z[head[0]], replace(head)) for head in new])


def _ablated(bed, heads):
    """Accuracy with these heads ablated."""
    return _accuracy(
        _with(bed, bed.tokens, {head: bed.z[head].mean(dim=0, keepdim=True) for head in heads}), bed.tokens
    )


def _unnamed(claim):
    return [head for head in EVERY if all(head not in heads for heads in claim.values())]


def _list(heads):
    return " and ".join([", ".join(map(str, heads[:-1])), str(heads[-1])]) if len(heads) > 1 else str(heads[0])


def test_the_form_of_the_claim(claim):
    """The claim names at least one head for each of the two roles. (The model is drawn from LEARNER: put your name there.)"""


def test_the_named_heads_are_enough(claim, bed):
    """With every head ablated that was not named, the model still repeats: accuracy stays above 0.9."""
    left = _ablated(bed, _unnamed(claim))
    assert left > 0.9, (
        f"With every head ablated that you did not name, accuracy on the second copy falls from {bed.accuracy:.2f} to "
        f"{left:.2f}: something is missing."
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_needed(claim, bed, role):
    """With all heads of one role ablated at once, the model does not repeat any more: accuracy falls below 0.3."""
    left = _ablated(bed, claim[role])
    assert left < 0.3, (
        f"With {_list(claim[role])} ablated, which you named as {ROLES[role]}, accuracy on the second copy is still {left:.2f} "
        f"(it was {bed.accuracy:.2f}): other heads do this work."
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_head_can_play_its_role(claim, bed, role):
    """Among the named heads, each is of use without the others of its role: it adds 0.2 to the accuracy or more."""
    without = _ablated(bed, [*_unnamed(claim), *claim[role]])
    for head in claim[role]:
        others = [other for other in claim[role] if other != head]
        alone = _ablated(bed, [*_unnamed(claim), *others])
        assert alone - without > 0.2, (
            f"Head {head}, which you named as one of the {ROLES[role]}, does not play that role: among the heads that you named, "
            f"with no other of these, accuracy on the second copy is {alone:.2f}; without any of them it is {without:.2f}. "
            "It may look the part, but nothing comes of it."
        )


def test_induction_heads_carry_the_answer(claim, bed):
    """Patched from a run with a repeat into one without, the outputs of the induction heads alone bring the answer back."""
    tokens, others = bed.tokens, bed.others
    no_repeat = torch.cat([tokens[:, :1], others, tokens[:, PERIOD + 1 :]], dim=1)
    before = _accuracy(_with(bed, no_repeat, {}), no_repeat)
    after = _accuracy(_with(bed, no_repeat, {head: bed.z[head] for head in claim["induction"]}), no_repeat)
    assert after > 0.9, (
        f"In rows whose first half is something else, accuracy on the second half is {before:.2f}. With the outputs of your "
        f"induction heads {_list(claim['induction'])} patched in from rows with a repeat, it is {after:.2f}: they do not "
        "carry the whole answer."
    )


def test_previous_token_heads_say_where_to_look(claim, bed):
    """Where a token of the first copy is exchanged, the previous-token heads' outputs of the first copy bring the answer back."""
    tokens, others = bed.tokens, bed.others
    # Tokens 0, 2, 4, ... of the first copy are exchanged; the one after each is as it was, but who says what it came after?
    changed, queries = tokens.clone(), slice(0, PERIOD - 1, 2)
    changed[:, 1 : PERIOD + 1 : 2] = others[:, ::2]
    before = _accuracy(_with(bed, changed, {}), changed, queries)
    patch = {head: bed.z[head] for head in claim["previous_token"]}
    after = _accuracy(_with(bed, changed, patch, slice(1, PERIOD + 1)), changed, queries)
    assert after > 0.9, (
        f"In rows in which every second token of the first copy is exchanged, accuracy after these tokens is {before:.2f}. With "
        f"the outputs of your previous-token heads {_list(claim['previous_token'])} on the first copy patched in from rows "
        f"with a whole repeat, it is {after:.2f}: they do not say what each token came after."
    )


def _looks(model, score=0.4):
    """Heads by where they look: every head whose pattern has one of the scores."""
    tokens = ref.repeated_tokens([PERIOD] * 8, 2 * PERIOD + 1, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        cache = run_with_cache(model, tokens)[1]
    scores = {"previous_token": {}, "induction": {}, "duplicate_token": {}}
    for layer in range(N_LAYERS):
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"]
        for head in range(N_HEADS):
            one = pattern[:, head : head + 1]
            scores["previous_token"][layer, head] = float(ref.previous_token_score(one))
            scores["induction"][layer, head] = float(ref.induction_score(one, tokens))
            scores["duplicate_token"][layer, head] = float(ref.duplicate_token_score(one, tokens))
    return {role: [head for head, found in each.items() if found > score] for role, each in scores.items()}, scores


found: dict[tuple, dict] = {}  # what the reference finds, by the model: for the mistakes below, which start from there


def _search(model):
    key = tuple(model.W_U[0, :4].tolist())
    if key not in found:
        found[key] = ref.name_the_heads(model)
    return {role: list(heads) for role, heads in found[key].items()}


@mistake(
    "You name every head that looks the part. Some of them write what nobody reads: ablate, and see which ones matter."
)
def by_attention_alone(model):
    looks, _ = _looks(model)
    return {role: looks[role] for role in ROLES}


@mistake(
    "You tried the previous-token heads out, but took the induction heads by their attention pattern. One that looks the part "
    "may write nothing useful."
)
def induction_heads_by_attention(model):
    return _search(model) | {"induction": _looks(model)[0]["induction"]}


@mistake(
    "You tried the induction heads out, but took the previous-token heads by their attention pattern. One that looks the part "
    "may write what nobody reads."
)
def previous_token_heads_by_attention(model):
    return _search(model) | {"previous_token": _looks(model)[0]["previous_token"]}


@mistake("The two roles are the wrong way round.")
def roles_swapped(model):
    claim = _search(model)
    return {"previous_token": claim["induction"], "induction": claim["previous_token"]}


@mistake(
    "You name one head for each role, the first that matters. A role may be shared: ablate it, and see what is left."
)
def one_head_a_role(model):
    return {role: heads[:1] for role, heads in _search(model).items()}


@mistake(
    "You name the head with the highest score for each role. The highest score does not say that anybody reads what it writes."
)
def highest_scores(model):
    _, scores = _looks(model)
    return {role: [max(scores[role], key=scores[role].get)] for role in ROLES}


@mistake("You look for previous-token heads in layer 0 only: here they may be in layer 1 as well.")
def previous_token_heads_of_layer_0_only(model):
    looks, _ = _looks(model)
    first = [head for head in looks["previous_token"] if head[0] == 0]
    return _search(model) | {"previous_token": first or [(0, 0)]}


@mistake(
    "You take heads that attend to earlier copies of the token itself. Those are duplicate-token heads: an induction head "
    "attends to what came AFTER the copy."
)
def duplicate_token_heads(model):
    return _search(model) | {"induction": _looks(model)[0]["duplicate_token"] or [(2, 0)]}


@mistake(
    "You name all heads of a layer. Few of them take part: a head belongs to the claim only if something is lost without it."
)
def whole_layers(model):
    claim = _search(model)
    first, last = claim["previous_token"][0][0], claim["induction"][-1][0]
    return {
        "previous_token": [(first, head) for head in range(N_HEADS)],
        "induction": [(last, head) for head in range(N_HEADS)],
    }


@mistake("Your pairs are (head, layer): the layer comes first.")
def head_before_layer(model):
    return {role: [(head, layer) for layer, head in heads] for role, heads in _search(model).items()}


@mistake("You count layers from 1: the first layer is 0.")
def layers_from_1(model):
    return {role: [(layer + 1, head) for layer, head in heads] for role, heads in _search(model).items()}


@mistake("You name induction heads only: they need heads that tell them what each token came after.")
def no_previous_token_heads(model):
    return {"previous_token": [], "induction": _search(model)["induction"]}


@mistake("You return one list of heads: say which role each one plays.")
def one_list(model):
    claim = _search(model)
    return [*claim["previous_token"], *claim["induction"]]


@mistake("Nothing is returned.")
def returns_nothing(model):
    return None
