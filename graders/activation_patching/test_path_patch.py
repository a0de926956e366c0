"""path_patch: against the long way. A run in which all that lies between sender and receivers is frozen shows what the
receivers would compute; a second run has that in its place."""

import pytest

import solutions.activation_patching as ref
from dojo.grading import compare, mistake, raises
from dojo.transformer import run_with_cache, run_with_hooks
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 5, "d_mlp": 7}
AXES = "batch pos d_vocab"


def _long_way(model, tokens, cache, sender, receivers):
    logits, own = run_by_hand(model, tokens)
    layer, head = sender

    def frozen(name):
        def change(activation):
            activation = own[name].clone()
            if name == f"blocks.{layer}.attn.hook_z":
                activation[:, :, head] = cache[name][:, :, head]
            return activation

        return change

    names = [f"blocks.{la}.{kind}" for la in range(len(model.blocks)) for kind in ("attn.hook_z", "hook_mlp_out")]
    logits, seen = run_by_hand(model, tokens, {name: frozen(name) for name in names})
    if receivers == "logits":
        return logits
    changes = {}
    for to_layer, to_head, name in receivers:
        site = f"blocks.{to_layer}.attn.hook_{name}"
        before = changes.get(site)

        def receive(activation, before=before, site=site, to_head=to_head):
            activation = before(activation) if before else activation
            activation[:, :, to_head] = seen[site][:, :, to_head]
            return activation

        changes[site] = receive
    return run_by_hand(model, tokens, changes)[0]


def _setting(rand, **sizes):
    model = ours.random_transformer(rand.seed, **SIZES | sizes)
    tokens, other = rand.integers(11, 3, 6), rand.integers(11, 3, 6)
    return model, tokens, run_by_hand(model, other)[1]


CASES = {
    "queries": ((0, 1), [(2, 1, "q")]),
    "keys": ((0, 0), [(1, 1, "k")]),
    "values": ((1, 1), [(2, 0, "v")]),
    "two inputs of one head": ((0, 1), [(2, 1, "q"), (2, 1, "v")]),
    "two heads of one layer": ((0, 0), [(1, 1, "k"), (1, 0, "k")]),
    "heads of two layers": ((0, 1), [(1, 0, "v"), (2, 1, "k")]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_path(submission, kit, rand, case):
    """Only what the sender wrote changes, and only for the receivers; all that comes after them reacts. No hook
    stays."""
    model, tokens, cache = _setting(rand)
    sender, receivers = CASES[case]
    expected = _long_way(model, tokens, cache, sender, receivers)
    patched = kit.random_transformer(rand.seed, **SIZES)
    found = submission.path_patch(patched, tokens, cache, sender, receivers)
    compare(found, expected, what=f"the tensor of logits, from {sender} to {receivers}", axes=AXES)
    compare(kit.hooks_left(patched), {}, what="the dict of hooks on the model afterwards")


@pytest.mark.parametrize("sender", [(0, 1), (3, 0)])
def test_the_path_to_the_logits(submission, kit, rand, sender):
    """The direct path to the logits: the final stream with the sender's output exchanged, through ln_final."""
    model, tokens, cache = _setting(rand, n_layers=4)
    expected = _long_way(model, tokens, cache, sender, "logits")
    patched = kit.random_transformer(rand.seed, **SIZES | {"n_layers": 4})
    found = submission.path_patch(patched, tokens, cache, sender, "logits")
    compare(found, expected, what=f"the tensor of logits, from {sender} directly", axes=AXES)
    compare(kit.hooks_left(patched), {}, what="the dict of hooks on the model afterwards")


def test_no_receivers(submission, kit, rand):
    """With no receivers, nothing changes."""
    model, tokens, cache = _setting(rand)
    found = submission.path_patch(kit.random_transformer(rand.seed, **SIZES), tokens, cache, (0, 1), [])
    compare(found, run_by_hand(model, tokens)[0], what="the tensor of logits", axes=AXES)


def test_the_same_run(submission, kit, rand):
    """With the run's own activations, nothing changes."""
    model, tokens, _ = _setting(rand)
    logits, own = run_by_hand(model, tokens)
    found = submission.path_patch(kit.random_transformer(rand.seed, **SIZES), tokens, own, (0, 1), [(2, 0, "q")])
    compare(found, logits, what="the tensor of logits", axes=AXES)


@pytest.mark.parametrize(
    "receivers", [[(1, 0, "q")], [(0, 1, "v")], [(2, 0, "q"), (1, 1, "k")]], ids=["same", "earlier", "second of two"]
)
def test_against_the_current(submission, kit, rand, receivers):
    """A receiver that is not in a later layer than the sender raises a ValueError."""
    _, tokens, cache = _setting(rand)
    with raises("ValueError"):
        submission.path_patch(kit.random_transformer(rand.seed, **SIZES), tokens, cache, (1, 1), receivers)


def _change(model, cache, own, sender):
    layer, head = sender
    z = f"blocks.{layer}.attn.hook_z"
    return (cache[z] - own[z])[:, :, head] @ model.blocks[layer].attn.W_O[head]


def _checked(sender, receivers):
    if receivers != "logits" and any(layer <= sender[0] for layer, _, _ in receivers):
        raise ValueError("A receiver must come after the sender.")


def _path(model, tokens, cache, sender, receivers, stream=None, project=None, start=None, swap=None, overwrite=False):
    """The reference with its steps left open."""
    _checked(sender, receivers)
    own = run_with_cache(model, tokens)[1]
    change = _change(model, cache, own, sender)
    begin = start(model, cache, sender) if start else []
    if receivers == "logits":
        last = f"blocks.{len(model.blocks) - 1}.hook_resid_post"
        return run_with_hooks(model, tokens, [*begin, (last, lambda s, hook: s + change)])
    hooks = []
    for layer, head, name in receivers:
        block, label = model.blocks[layer], (swap or {}).get(name, name)
        x = (stream or _reads)(block, own, layer, change)
        W, b = getattr(block.attn, f"W_{name.upper()}")[head], getattr(block.attn, f"b_{name.upper()}")[head]
        value = project(x, W, b) if project else x @ W + b
        base = own[f"blocks.{layer}.attn.hook_{label}"]

        def hook(activation, hook, value=value, head=head, base=base):
            activation = (base if overwrite else activation).clone()
            activation[:, :, head] = value
            return activation

        hooks.append((f"blocks.{layer}.attn.hook_{label}", hook))
    return run_with_hooks(model, tokens, [*begin, *hooks])


def _reads(block, own, layer, change):
    return block.ln1(own[f"blocks.{layer}.hook_resid_pre"] + change)


@mistake(
    "For the path to the logits, what lies between the sender and the end reacts: only the final stream may change."
)
def logits_with_reactions(model, tokens, cache, sender, receivers):
    if receivers == "logits":
        z = f"blocks.{sender[0]}.attn.hook_z"
        return ref.patch(model, tokens, z, cache[z], head=sender[1])
    return ref.path_patch(model, tokens, cache, sender, receivers)


@mistake("You patched the sender's output for everybody: for all but the receivers it must stay as it was.")
def everybody_hears(model, tokens, cache, sender, receivers):
    _checked(sender, receivers)
    if receivers != "logits" and not receivers:
        return model(tokens)
    z = f"blocks.{sender[0]}.attn.hook_z"
    return ref.patch(model, tokens, z, cache[z], head=sender[1])


@mistake("The last run still has the sender patched: in it, only the receivers' inputs may be exchanged.")
def sender_stays_patched(model, tokens, cache, sender, receivers):
    if receivers != "logits" and not receivers:
        return model(tokens)

    def start(model, cache, sender):
        z = f"blocks.{sender[0]}.attn.hook_z"

        def hook(activation, hook):
            activation = activation.clone()
            activation[:, :, sender[1]] = cache[z][:, :, sender[1]]
            return activation

        return [(z, hook)]

    return _path(model, tokens, cache, sender, receivers, start=start)


@mistake(
    "Heads and MLPs between the sender and the receivers react: exchange only the sender's own term of the stream."
)
def what_lies_between_reacts(model, tokens, cache, sender, receivers):
    z = f"blocks.{sender[0]}.attn.hook_z"

    def hook(activation, hook):
        activation = activation.clone()
        activation[:, :, sender[1]] = cache[z][:, :, sender[1]]
        return activation

    reacting = {}

    def record(name):
        return lambda activation, hook: reacting.__setitem__(name, activation)

    names = [f"blocks.{layer}.hook_resid_pre" for layer in range(len(model.blocks))]
    run_with_hooks(model, tokens, [(z, hook), *((name, record(name)) for name in names)])
    return _path(
        model, tokens, cache, sender, receivers, lambda b, own, la, c: b.ln1(reacting[f"blocks.{la}.hook_resid_pre"])
    )


@mistake("The receivers get all that they got in the other run: only what came from the sender may change.")
def receivers_of_the_other_run(model, tokens, cache, sender, receivers):
    return _path(
        model, tokens, cache, sender, receivers, lambda b, own, la, c: b.ln1(cache[f"blocks.{la}.hook_resid_pre"])
    )


@mistake("The receivers' LayerNorm keeps the scale of the plain run: compute it afresh on the changed stream.")
def frozen_scale(model, tokens, cache, sender, receivers):
    def stream(block, own, layer, change):
        x = own[f"blocks.{layer}.hook_resid_pre"] + change
        x = (x - x.mean(dim=-1, keepdim=True)) / own[f"blocks.{layer}.ln1.hook_scale"]
        return x * block.ln1.weight + block.ln1.bias

    return _path(model, tokens, cache, sender, receivers, stream)


@mistake("The sender's change is added after LayerNorm: it goes into the stream, before it.")
def after_layer_norm(model, tokens, cache, sender, receivers):
    return _path(
        model, tokens, cache, sender, receivers, lambda b, own, la, c: b.ln1(own[f"blocks.{la}.hook_resid_pre"]) + c
    )


@mistake("LayerNorm is left out: a head reads the stream through ln1.")
def no_layer_norm(model, tokens, cache, sender, receivers):
    return _path(model, tokens, cache, sender, receivers, lambda b, own, la, c: own[f"blocks.{la}.hook_resid_pre"] + c)


@mistake("The bias of the receivers' queries, keys or values is missing.")
def no_bias(model, tokens, cache, sender, receivers):
    return _path(model, tokens, cache, sender, receivers, project=lambda x, W, b: x @ W)


@mistake("The change has the wrong sign: what the sender wrote in the other run, minus what it wrote in this one.")
def wrong_sign(model, tokens, cache, sender, receivers):
    return _path(
        model, tokens, cache, sender, receivers, lambda b, own, la, c: b.ln1(own[f"blocks.{la}.hook_resid_pre"] - c)
    )


@mistake("What the sender wrote in this run is still there: exchange it, instead of adding the other run's to it.")
def added_not_exchanged(model, tokens, cache, sender, receivers):
    def stream(block, own, layer, change):
        z = f"blocks.{sender[0]}.attn.hook_z"
        added = cache[z][:, :, sender[1]] @ model.blocks[sender[0]].attn.W_O[sender[1]]
        return block.ln1(own[f"blocks.{layer}.hook_resid_pre"] + added)

    return _path(model, tokens, cache, sender, receivers, stream)


@mistake("Queries and keys of the receivers are swapped.")
def queries_for_keys(model, tokens, cache, sender, receivers):
    return _path(model, tokens, cache, sender, receivers, swap={"q": "k", "k": "q"})


@mistake("Of two receivers at one hook point only the last counts: each may change its own head's part only.")
def the_last_receiver_only(model, tokens, cache, sender, receivers):
    return _path(model, tokens, cache, sender, receivers, overwrite=True)


@mistake("Nobody reads backwards: a receiver that is not in a later layer must raise a ValueError.")
def against_the_current(model, tokens, cache, sender, receivers):
    if receivers == "logits":
        return ref.path_patch(model, tokens, cache, sender, receivers)
    later = [r for r in receivers if r[0] > sender[0]]
    return ref.path_patch(model, tokens, cache, sender, later)
