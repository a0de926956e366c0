"""run_with_cache: on the kit's Tower, whose activations are computed here by hand, and on the learner's Transformer.

The Tower changes one activation in place after its hook point and overwrites another when it runs again.
"""

import pytest
import torch

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake, raises
from graders.transformer_from_scratch import kit as ours

SIZES = {"d_vocab": 11, "d_model": 6, "n_layers": 3}
AXES = "batch pos d_model"


def _tower(submission, kit, rand):
    return kit.Tower(submission.HookPoint, **SIZES, seed=rand.seed)


def _by_hand(seed, tokens):
    """Logits, and every activation by its name."""
    tower, seen = ours.Tower(ref.HookPoint, **SIZES, seed=seed), {}
    with torch.no_grad():
        x = seen["hook_embed"] = tower.vectors[tokens]
        for i, layer in enumerate(tower.layers):
            seen[f"layers.{i}.hook_in"] = x
            seen[f"layers.{i}.hook_mid"] = x @ layer.matrix
            x = seen[f"layers.{i}.hook_out"] = (0.5 * (x @ layer.matrix) + 1).tanh() + x
        return x @ tower.out, seen


def _pair(result):
    assert isinstance(result, (tuple, list)) and len(result) == 2, "run_with_cache returns a pair: (logits, cache)."
    return result


def _check(result, expected_logits, expected_cache):
    logits, cache = _pair(result)
    compare(logits, expected_logits, what="the tensor of logits", axes="batch pos d_vocab")
    compare(cache, expected_cache, what="the cache", axes=AXES)


def test_every_hook_point(submission, kit, rand):
    """Without names, the cache holds what passes through every HookPoint, and the logits are the model's."""
    tokens = rand.integers(11, 2, 5)
    result = submission.run_with_cache(_tower(submission, kit, rand), tokens)
    _check(result, *_by_hand(rand.seed, tokens))


@pytest.mark.parametrize(
    "names", [["layers.1.hook_mid"], ["layers.2.hook_in", "hook_embed", "layers.0.hook_out"], ["layers.2.hook_mid"] * 2]
)
def test_some_hook_points(submission, kit, rand, names):
    """With names, the cache holds those activations and no others, in whatever order they are named."""
    tokens = rand.integers(11, 2, 5)
    logits, activations = _by_hand(rand.seed, tokens)
    result = submission.run_with_cache(_tower(submission, kit, rand), tokens, names)
    _check(result, logits, {name: activations[name] for name in names})


def test_a_hook_point_by_any_name(submission, kit):
    """A hook point is a HookPoint, whatever its name: h(x + 1) * 2 at x = 3 gives 8, and the cache {"h": 4}."""
    x = torch.full((2, 5, 6), 3.0)
    _check(submission.run_with_cache(kit.NamedPoint(submission.HookPoint), x), x + 5, {"h": x + 1})


def test_no_hook_point(submission, kit, rand):
    """An empty list of names keeps nothing; the logits still come."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    logits, activations = _by_hand(rand.seed, tokens)
    result = submission.run_with_cache(tower, tokens, ["hook_embed"])
    _check(result, logits, {"hook_embed": activations["hook_embed"]})
    _check(submission.run_with_cache(tower, tokens, []), logits, {})


def test_the_cache_does_not_change_when_the_model_runs_again(submission, kit, rand):
    """A cached activation is a copy: what the model does later, with other tokens, does not reach it."""
    tokens, others = rand.integers(11, 2, 5), rand.integers(11, 2, 5)
    tower = _tower(submission, kit, rand)
    cache = kit.cache_then_run(submission.run_with_cache, tower, tokens, others, None)
    compare(cache, _by_hand(rand.seed, tokens)[1], what="the cache after another run", axes=AXES)


def test_the_cache_is_detached(submission, kit, rand):
    """Cached activations hold no graph: they would keep the whole run in memory."""
    _, cache = _pair(submission.run_with_cache(_tower(submission, kit, rand), rand.integers(11, 2, 5)))
    assert isinstance(cache, dict), "The second thing that run_with_cache returns is a dict from name to activation."
    attached = [name for name, value in cache.items() if torch.is_tensor(value) and value.requires_grad]
    assert not attached, f"The activation {attached[0]!r} still hangs on the graph of its run: detach it."


def test_no_hook_is_left(submission, kit, rand):
    """Afterwards the model has no hook that it did not have before."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_cache(tower, tokens)
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    submission.run_with_cache(tower, tokens, ["layers.1.hook_mid", "hook_embed"])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run with names")


def test_no_hook_is_left_when_the_model_raises(submission, kit, rand):
    """When the model raises half way, the exception comes through and the hooks are gone all the same."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_cache(tower, tokens)
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    tower.broken = True
    with raises("RuntimeError"):
        submission.run_with_cache(tower, tokens)
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after it raised")
    tower.broken = False
    _check(submission.run_with_cache(tower, tokens), *_by_hand(rand.seed, tokens))


def test_a_name_that_is_not_there(submission, kit, rand):
    """A name that the model does not have raises (KeyError, AttributeError or ValueError) and leaves no hook behind."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_cache(tower, tokens, ["hook_embed"])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    with raises("KeyError", "AttributeError", "ValueError"):
        submission.run_with_cache(tower, tokens, ["hook_embed", "layers.0.hook_midd"])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a wrong name")


def test_hooks_of_others_stay(submission, kit, rand):
    """A hook that somebody else has put on the model runs, and is there afterwards."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    kit.hook_of_somebody_else(tower, "layers.1.hook_mid")
    result = submission.run_with_cache(tower, tokens)
    ran, left = tower.seen_by_others, kit.hooks_left(tower)
    compare(left, {"layers.1.hook_mid": 1}, what="the dict of hooks on the model after a run")
    compare(ran, 1, what="how often the other hook ran")
    _check(result, *_by_hand(rand.seed, tokens))


def _is_hook_point(module):
    """By its name: lint runs the reference once more, in another module, and that has a HookPoint of its own."""
    return type(module).__name__ == "HookPoint"


def _run(model, tokens, names, *, keep=lambda output: output.detach().clone(), hooked=None):
    """The reference with the way of keeping, and the default names, left open."""
    modules, cache, handles = dict(model.named_modules()), {}, []
    if names is None:
        names = [n for n, m in modules.items() if (isinstance(m, hooked) if hooked else _is_hook_point(m))]

    def hook_for(name):
        def hook(module, args, output):
            cache[name] = keep(output)

        return hook

    try:
        for name in names:
            handles.append(modules[name].register_forward_hook(hook_for(name)))
        return model(tokens), cache
    finally:
        for handle in handles:
            handle.remove()


@mistake("Your hooks are never removed: keep the handles and call .remove() on each.")
def leaves_its_hooks(model, tokens, names=None):
    modules, cache = dict(model.named_modules()), {}
    if names is None:
        names = [n for n, m in modules.items() if _is_hook_point(m)]
    for name in names:
        modules[name].register_forward_hook(
            lambda module, args, output, name=name: cache.__setitem__(name, output.detach().clone())
        )
    return model(tokens), cache


@mistake(
    "A wrong name raises after other hooks were put on, and those stay: register inside the `try` too, or look first."
)
def leaves_hooks_after_a_wrong_name(model, tokens, names=None):
    modules, cache = dict(model.named_modules()), {}
    if names is None:
        names = [n for n, m in modules.items() if _is_hook_point(m)]
    handles = [
        modules[name].register_forward_hook(
            lambda module, args, output, name=name: cache.__setitem__(name, output.detach().clone())
        )
        for name in names
    ]
    try:
        return model(tokens), cache
    finally:
        for handle in handles:
            handle.remove()


@mistake("When the model raises, your hooks stay: remove them in a `finally`.")
def leaves_its_hooks_when_the_model_raises(model, tokens, names=None):
    modules, cache, handles = dict(model.named_modules()), {}, []
    if names is None:
        names = [n for n, m in modules.items() if _is_hook_point(m)]
    for name in names:
        handles.append(
            modules[name].register_forward_hook(
                lambda module, args, output, name=name: cache.__setitem__(name, output.detach().clone())
            )
        )
    logits = model(tokens)
    for handle in handles:
        handle.remove()
    return logits, cache


@mistake("You keep the activation itself (detach() shares its memory): clone it, for the model may change it in place.")
def does_not_clone(model, tokens, names=None):
    return _run(model, tokens, names, keep=lambda output: output.detach())


@mistake(
    "You keep the activation itself: .detach().clone() it, or it changes with the model and holds on to the graph."
)
def keeps_the_activation_itself(model, tokens, names=None):
    return _run(model, tokens, names, keep=lambda output: output)


@mistake("You clone but do not detach: the cache keeps the graph of the whole run in memory.")
def does_not_detach(model, tokens, names=None):
    return _run(model, tokens, names, keep=lambda output: output.clone())


@mistake(
    "Every hook keeps under the same name: the function made in the loop looks `name` up when it runs. Bind it first."
)
def late_binding(model, tokens, names=None):
    modules, cache, handles = dict(model.named_modules()), {}, []
    if names is None:
        names = [n for n, m in modules.items() if _is_hook_point(m)]
    try:
        for name in names:
            handles.append(
                modules[name].register_forward_hook(
                    lambda module, args, output: cache.__setitem__(name, output.detach().clone())  # noqa: B023
                )
            )
        return model(tokens), cache
    finally:
        for handle in handles:
            handle.remove()


@mistake("Without names you keep the output of every module. Keep those of the HookPoints only.")
def keeps_every_module(model, tokens, names=None):
    return _run(model, tokens, names, hooked=torch.nn.Module)


@mistake(
    "You choose hook points by their names: a hook point is what isinstance(module, HookPoint) says, whatever its name."
)
def chooses_by_name(model, tokens, names=None):
    if names is None:
        names = [n for n, m in model.named_modules() if n.rpartition(".")[2].startswith("hook")]
    return _run(model, tokens, names)


@mistake("An empty list of names is not None: it keeps nothing.")
def empty_means_all(model, tokens, names=None):
    return _run(model, tokens, names or None)


@mistake("The names are not used: keep those hook points only.")
def ignores_names(model, tokens, names=None):
    known = dict(model.named_modules())
    for name in names or []:
        known[name]
    return _run(model, tokens, None)


@mistake("A name that the model does not have is passed over without a word: raise a KeyError.")
def passes_over_wrong_names(model, tokens, names=None):
    known = dict(model.named_modules())
    return _run(model, tokens, None if names is None else [n for n in names if n in known])


@mistake("You look at the model's children only: named_modules() goes all the way down.")
def children_only(model, tokens, names=None):
    children = dict(model.named_children())
    if names is None:
        names = [n for n, m in children.items() if _is_hook_point(m)]
    return _run(model, tokens, [name for name in names if name in children or children[name]])


@mistake("You remove every hook of the modules, those of others too: remove your own by their handles.")
def removes_all_hooks(model, tokens, names=None):
    try:
        return _run(model, tokens, names)
    finally:
        for module in model.modules():
            module._forward_hooks.clear()


@mistake("The cache's keys lack the path: use the full names of named_modules(), such as blocks.0.attn.hook_pattern.")
def short_names(model, tokens, names=None):
    logits, cache = _run(model, tokens, names)
    return logits, {name.rpartition(".")[2]: value for name, value in cache.items()}


@mistake("You return (cache, logits): the logits come first.")
def cache_first(model, tokens, names=None):
    return _run(model, tokens, names)[::-1]


@mistake("You return the cache alone: return (logits, cache).")
def only_the_cache(model, tokens, names=None):
    return _run(model, tokens, names)[1]


@mistake("You swallow the model's exception: let it come through, after the hooks are gone.")
def swallows_exceptions(model, tokens, names=None):
    for name in names or []:
        dict(model.named_modules())[name]
    try:
        return _run(model, tokens, names)
    except RuntimeError:
        return None, {}
