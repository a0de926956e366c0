"""name_the_circuit: the claim is tried out on the learner's own model, by ablation and by patching, with runs by hand.

No list of right answers is here: what the claim says is done to the model, and the model shows whether it is so.
"""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import mistake
from dojo.transformer import run_with_cache
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

LAYERS, HEADS = range(3), range(4)
EVERY = [(layer, head) for layer in LAYERS for head in HEADS]
ALGORITHMS = ("s-inhibition", "look-up")
ALONE, WITHOUT, MATTERS = 0.85, 0.3, 0.1  # in units of the whole model's logit difference


def _name(submission) -> str:
    name = submission.LEARNER
    assert isinstance(name, str) and name.strip(), (
        'LEARNER should be your name, as text: LEARNER = "Ada Lovelace". Your model is drawn from it.'
    )
    return name


def _claim(submission, kit):
    """The learner's claim, with whatever is wrong with its form said first."""
    found = kit.claim_of(submission.name_the_circuit, _name(submission))
    assert isinstance(found, dict) and set(found) == {"algorithm", "heads"}, (
        'The answer should be a dict with the keys "algorithm" and "heads": '
        '{"algorithm": "look-up", "heads": [(0, 2), (1, 3)]}.'
    )
    assert found["algorithm"] in ALGORITHMS, (
        f'"algorithm" is {str(found["algorithm"])[:40]!r}, but it should be "s-inhibition" or "look-up".'
    )
    heads = found["heads"]
    assert isinstance(heads, list | tuple) and heads, (
        '"heads" should be a list of (layer, head), with at least one head.'
    )
    pairs = []
    for head in heads:
        pair = head.tolist() if isinstance(head, torch.Tensor) else head
        fits = isinstance(pair, list | tuple) and len(pair) == 2 and all(type(n) is int for n in pair)
        assert fits and tuple(pair) in EVERY, (
            f"{str(pair)[:60]} is not a head: a head is (layer, head), with layers 0 to 2 and heads 0 to 3."
        )
        pairs.append(tuple(pair))
    twice = [pair for pair in pairs if pairs.count(pair) > 1]
    assert not twice, f"Head {twice[0]} is named twice." if twice else ""
    return found["algorithm"], pairs


class Trial:
    """A model with prompts of one order: how much of its logit difference is left when only some heads work."""

    def __init__(self, name, order, seed):
        self.model = ours.mystery(name)
        self.prompts, _, reference = ours.investigation_prompts(order, seed, n=4)
        seen = run_by_hand(self.model, reference)[1]
        self.means = {layer: seen[f"blocks.{layer}.attn.hook_z"].mean(dim=0) for layer in LAYERS}
        self.known: dict[frozenset, float] = {}
        self.full, self.empty = self.difference(EVERY), self.difference([])

    def difference(self, kept):
        """The logit difference with every head ablated that is not kept. What was measured once is remembered."""
        kept = frozenset(kept)
        if kept not in self.known:
            self.known[kept] = self._run(kept)
        return self.known[kept]

    def _run(self, kept):
        def exchange(layer):
            def change(z):
                for head in HEADS:
                    if (layer, head) not in kept:
                        z[:, :, head] = self.means[layer][:, head]
                return z

            return change

        changes = {f"blocks.{layer}.attn.hook_z": exchange(layer) for layer in LAYERS}
        last = run_by_hand(self.model, self.prompts.tokens, changes)[0][:, -1]
        rows = torch.arange(len(last))
        return float((last[rows, self.prompts.correct] - last[rows, self.prompts.wrong]).mean())

    def score(self, kept):
        return (self.difference(kept) - self.empty) / (self.full - self.empty)


def test_the_claim(submission, kit):
    """The answer names an algorithm and heads of the model."""
    _claim(submission, kit)


@pytest.mark.parametrize("order", ["ABBA", "BABA"])
def test_the_circuit_alone(submission, kit, rand, order):
    """With every other head mean-ablated, the heads that you named do what the model does."""
    _, heads = _claim(submission, kit)
    score = Trial(_name(submission), order, rand.seed % 2**31 + 7).score(heads)
    assert score >= ALONE, (
        f"With every head ablated that you did not name, {max(score, 0):.0%} of the logit difference is left on {order} "
        f"prompts (asked: {ALONE:.0%}): a head is missing."
    )


def test_the_rest_alone(submission, kit, rand):
    """With the heads that you named ablated, the model fails."""
    _, heads = _claim(submission, kit)
    score = Trial(_name(submission), "ABBA", rand.seed % 2**31 + 7).score([h for h in EVERY if h not in heads])
    assert score <= WITHOUT, (
        f"With the heads that you named ablated, {score:.0%} of the logit difference is still there: others do the same work."
    )


def test_each_head_matters(submission, kit, rand):
    """Each named head matters: without it, the circuit does less; or it does so once another of its heads is gone too."""
    _, heads = _claim(submission, kit)
    trial = Trial(_name(submission), "ABBA", rand.seed % 2**31 + 7)

    def loses(head, gone):
        kept = [h for h in heads if h not in gone]
        return trial.score(kept) - trial.score([h for h in kept if h != head])

    for head in heads:
        others = [[], *([other] for other in heads if other != head)]
        most = max(loses(head, gone) for gone in others)
        assert most >= MATTERS, (
            f"Head {head} can go: without it, your circuit does what it did, whichever other head is ablated besides. How it "
            "attends is not evidence."
        )


def test_the_algorithm(submission, kit, rand):
    """Where the answer is read at the end shows the algorithm: patch the stream at IO, and at S2, from a run in which the
    indirect object has another name, and see which of the two makes the model say that name."""
    algorithm, heads = _claim(submission, kit)
    model = ours.mystery(_name(submission))
    prompts, _, reference = ours.investigation_prompts("ABBA", rand.seed % 2**31 + 7, n=4)
    renamed, at = prompts.tokens.clone(), prompts.positions
    new = reference[:, at["IO"]]
    renamed[:, at["IO"]] = new
    site = f"blocks.{max(layer for layer, _ in heads)}.hook_resid_pre"
    other, rows, says = run_by_hand(model, renamed)[1][site], torch.arange(len(new)), {}
    for place in ("IO", "S2"):

        def exchange(stream, position=at[place]):
            stream[:, position] = other[:, position]
            return stream

        last = run_by_hand(model, prompts.tokens, {site: exchange})[0][:, -1]
        says[place] = float((last[rows, new] - last[rows, prompts.correct]).mean())
    read_at = max(says, key=says.get)
    assert (algorithm == "s-inhibition") == (read_at == "IO"), (
        f"You named {algorithm!r}. But before layer {site.split('.')[1]}, a stream with another indirect object changes what "
        f"the model says when it is patched in at {read_at}, and not at {'S2' if read_at == 'IO' else 'IO'}: the last "
        f"position reads the name at {read_at}."
    )


def _found(model, prompts, corrupted_tokens, reference_tokens):
    claim = ref.name_the_circuit(model, prompts, corrupted_tokens, reference_tokens)
    return claim["algorithm"], claim["heads"]


@mistake("It is the other algorithm: look at what the last heads of your circuit attend to at END, IO or S2.")
def the_other_algorithm(model, prompts, corrupted_tokens, reference_tokens):
    algorithm, heads = _found(model, prompts, corrupted_tokens, reference_tokens)
    return {"algorithm": ALGORITHMS[algorithm == "s-inhibition"], "heads": heads}


@mistake("Those are the heads that write the answer. The heads that tell them what to write are missing: patch, too.")
def writers_only(model, prompts, corrupted_tokens, reference_tokens):
    algorithm, _ = _found(model, prompts, corrupted_tokens, reference_tokens)
    cache = run_with_cache(model, prompts.tokens)[1]
    direction = (model.W_U[:, prompts.correct] - model.W_U[:, prompts.wrong]).T
    shares = ref.direct_logit_attribution(model, cache, direction).mean(dim=1).tolist()
    names = ref.component_names(model)
    return {
        "algorithm": algorithm,
        "heads": [(la, h) for la, h in EVERY if shares[names.index(f"head {la}.{h}")] > 0.5],
    }


@mistake("Every head is named: a circuit leaves out what does not matter.")
def every_head(model, prompts, corrupted_tokens, reference_tokens):
    return {"algorithm": _found(model, prompts, corrupted_tokens, reference_tokens)[0], "heads": EVERY}


@mistake("The heads are chosen by how much END attends to a name. Attention is not evidence: patch them.")
def by_attention(model, prompts, corrupted_tokens, reference_tokens):
    cache, at = run_with_cache(model, prompts.tokens)[1], prompts.positions
    names = [at["IO"], at["S1"], at["S2"]]
    heads = []
    for layer in LAYERS:
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"].mean(dim=0)  # [head, query, key]
        looks = pattern[:, [at["S2"], at["END"]]][:, :, names].amax(dim=(1, 2))
        heads += [(layer, head) for head in HEADS if looks[head] > 0.4]
    return {"algorithm": _found(model, prompts, corrupted_tokens, reference_tokens)[0], "heads": heads or [(0, 0)]}


@mistake("The first head of the chain is missing: it writes nothing of the answer, and without it there is none.")
def without_the_first(model, prompts, corrupted_tokens, reference_tokens):
    algorithm, heads = _found(model, prompts, corrupted_tokens, reference_tokens)
    first = min(layer for layer, _ in heads)
    return {"algorithm": algorithm, "heads": [h for h in heads if h[0] != first]}


@mistake("One head too many: a head whose removal changes nothing does not belong to the circuit.")
def one_too_many(model, prompts, corrupted_tokens, reference_tokens):
    algorithm, heads = _found(model, prompts, corrupted_tokens, reference_tokens)
    return {"algorithm": algorithm, "heads": [*heads, next(h for h in EVERY if h not in heads)]}


@mistake("Head and layer are swapped in your pairs: a head is (layer, head).")
def head_before_layer(model, prompts, corrupted_tokens, reference_tokens):
    algorithm, heads = _found(model, prompts, corrupted_tokens, reference_tokens)
    return {"algorithm": algorithm, "heads": [(head, layer) for layer, head in heads]}


@mistake("That is the heads' list alone: return a dict with the algorithm too.")
def heads_alone(model, prompts, corrupted_tokens, reference_tokens):
    return _found(model, prompts, corrupted_tokens, reference_tokens)[1]
