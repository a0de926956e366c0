"""run_with_hooks: on the kit's Tower, whose logits with changed activations are computed here by hand.

Hook functions are the judge's (they record what they are given) or the kit's.
"""

import pytest
import torch

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake, raises
from graders.transformer_from_scratch import kit as ours

SIZES = {"d_vocab": 11, "d_model": 6, "n_layers": 3}
AXES = "batch pos d_vocab"


def _tower(submission, kit, rand):
    return kit.Tower(submission.HookPoint, **SIZES, seed=rand.seed)


def _by_hand(seed, tokens, changes=None):
    """Logits where each activation named in `changes` is replaced by changes[name](activation)."""
    tower, changes = ours.Tower(ref.HookPoint, **SIZES, seed=seed), changes or {}

    def point(name, activation):
        return changes.get(name, lambda a: a)(activation)

    with torch.no_grad():
        x = point("hook_embed", tower.vectors[tokens])
        for i, layer in enumerate(tower.layers):
            x = point(f"layers.{i}.hook_in", x)
            mid = point(f"layers.{i}.hook_mid", x @ layer.matrix)
            x = point(f"layers.{i}.hook_out", (0.5 * mid + 1).tanh() + x)
        return x @ tower.out


class Function:
    """A hook function of the judge's. It keeps what it is given, and changes it if it is an activation."""

    def __init__(self, change):
        self.change, self.given = change, []

    def __call__(self, activation=None, /, *rest, **others):  # hook may come by its name, as in TransformerLens
        if not torch.is_tensor(activation) or activation.shape != (2, 5, 6):
            self.given.append(activation)  # the comparison afterwards says what is wrong
            return None
        self.given.append(activation.detach())
        return self.change(activation.detach())


def test_no_hooks(submission, kit, rand):
    """With an empty list of hooks, the logits are the model's."""
    tokens = rand.integers(11, 2, 5)
    logits = submission.run_with_hooks(_tower(submission, kit, rand), tokens, [])
    compare(logits, _by_hand(rand.seed, tokens), what="the tensor of logits", axes=AXES)


def test_none_leaves_the_activation(submission, kit, rand):
    """A function that returns None sees the activation and changes nothing."""
    tokens, name, expected = rand.integers(11, 2, 5), "layers.1.hook_in", []
    function = Function(lambda a: None)
    logits = submission.run_with_hooks(_tower(submission, kit, rand), tokens, [(name, function)])
    expected_logits = _by_hand(rand.seed, tokens, {name: lambda a: expected.append(a) or a})
    compare(function.given, expected, what="what the function is given", axes="batch pos d_model")
    compare(logits, expected_logits, what="the tensor of logits", axes=AXES)


@pytest.mark.parametrize("name", ["hook_embed", "layers.0.hook_mid", "layers.1.hook_in", "layers.2.hook_out"])
def test_what_a_function_returns_goes_on(submission, kit, rand, name):
    """What a function returns goes on through the model in place of the activation."""
    tokens, added = rand.integers(11, 2, 5), rand.normal(2, 5, 6)

    def change(activation):
        return 2 * activation + added

    function = Function(change)
    logits = submission.run_with_hooks(_tower(submission, kit, rand), tokens, [(name, function)])
    compare(logits, _by_hand(rand.seed, tokens, {name: change}), what="the tensor of logits", axes=AXES)
    compare(len(function.given), 1, what="how often the function was called")


def test_functions_on_several_names(submission, kit, rand):
    """Each function changes the activation of its own name, in whatever order they are listed."""
    tokens, added = rand.integers(11, 2, 5), rand.normal(3, 6)
    changes = {
        "layers.2.hook_mid": lambda a: a + added[0],
        "hook_embed": lambda a: a - added[1],
        "layers.0.hook_out": lambda a: a * added[2],
    }
    hooks = [(name, Function(change)) for name, change in changes.items()]
    logits = submission.run_with_hooks(_tower(submission, kit, rand), tokens, hooks)
    compare(logits, _by_hand(rand.seed, tokens, changes), what="the tensor of logits", axes=AXES)


def test_functions_on_the_same_name(submission, kit, rand):
    """Where a name comes twice, the second function gets what the first has made."""
    tokens, name = rand.integers(11, 2, 5), "layers.1.hook_mid"
    hooks = [(name, Function(lambda a: 3 * a)), (name, Function(lambda a: a + 1)), (name, Function(lambda a: None))]
    logits = submission.run_with_hooks(_tower(submission, kit, rand), tokens, hooks)
    compare(logits, _by_hand(rand.seed, tokens, {name: lambda a: 3 * a + 1}), what="the tensor of logits", axes=AXES)


def test_a_function_is_given_the_hooked_module(submission, kit, rand):
    """The second argument of a function is the module that it is on."""
    names = ["layers.0.hook_in", "layers.2.hook_mid", "hook_embed"]
    labels = kit.Labels()
    submission.run_with_hooks(_tower(submission, kit, rand), rand.integers(11, 2, 5), [(n, labels) for n in names])
    compare(sorted(labels.seen), sorted(names), what="the list of modules that the functions were given")


def test_no_hook_is_left(submission, kit, rand):
    """Afterwards the model has no hook that it did not have before, and gives its own logits again."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_hooks(
        tower, tokens, [("hook_embed", Function(lambda a: 2 * a)), ("layers.0.hook_in", kit.Labels())]
    )
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    compare(tower(tokens), _by_hand(rand.seed, tokens), what="the result of a plain run afterwards", axes=AXES)


def test_no_hook_is_left_when_a_function_raises(submission, kit, rand):
    """When a function raises, the exception comes through and all hooks are gone."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels())])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    with raises("RuntimeError"):
        submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels()), ("layers.1.hook_mid", kit.explode)])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a function raised")
    compare(tower(tokens), _by_hand(rand.seed, tokens), what="the result of a plain run afterwards", axes=AXES)


def test_no_hook_is_left_when_the_model_raises(submission, kit, rand):
    """When the model raises half way, the exception comes through and the hooks are gone all the same."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels())])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    tower.broken = True
    with raises("RuntimeError"):
        submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels()), ("layers.2.hook_mid", kit.Labels())])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after it raised")


def test_a_name_that_is_not_there(submission, kit, rand):
    """A name that the model does not have raises (KeyError, AttributeError or ValueError) and leaves no hook behind."""
    tower, tokens = _tower(submission, kit, rand), rand.integers(11, 2, 5)
    submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels())])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a run")
    with raises("KeyError", "AttributeError", "ValueError"):
        submission.run_with_hooks(tower, tokens, [("hook_embed", kit.Labels()), ("layers.0.hook_midd", kit.Labels())])
    compare(kit.hooks_left(tower), {}, what="the dict of hooks on the model after a wrong name")
    with raises("KeyError", "AttributeError", "ValueError"):
        submission.run_with_hooks(tower, tokens, [("hook_mid", kit.Labels())])


def test_hooks_of_others_stay(submission, kit, rand):
    """A hook that somebody else has put on the model runs, and is there afterwards."""
    tower, tokens, name = _tower(submission, kit, rand), rand.integers(11, 2, 5), "layers.1.hook_mid"
    kit.hook_of_somebody_else(tower, name)
    logits = submission.run_with_hooks(tower, tokens, [(name, Function(lambda a: -a))])
    ran, left = tower.seen_by_others, kit.hooks_left(tower)
    compare(left, {name: 1}, what="the dict of hooks on the model after a run")
    compare(ran, 1, what="how often the other hook ran")
    compare(logits, _by_hand(rand.seed, tokens, {name: lambda a: -a}), what="the tensor of logits", axes=AXES)


def _run(model, tokens, hooks, as_torch_hook=lambda fn: lambda module, args, output: fn(output, module)):
    """The reference with the torch hook left open."""
    modules, handles = dict(model.named_modules()), []
    try:
        for name, fn in hooks:
            handles.append(modules[name].register_forward_hook(as_torch_hook(fn)))
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


@mistake("Your hooks are never removed: keep the handles and call .remove() on each.")
def leaves_its_hooks(model, tokens, hooks):
    modules = dict(model.named_modules())
    for name, fn in hooks:
        modules[name].register_forward_hook(lambda module, args, output, fn=fn: fn(output, module))
    return model(tokens)


@mistake(
    "A wrong name raises after other hooks were put on, and those stay: register inside the `try` too, or look first."
)
def leaves_hooks_after_a_wrong_name(model, tokens, hooks):
    modules = dict(model.named_modules())
    handles = [
        modules[name].register_forward_hook(lambda module, args, output, fn=fn: fn(output, module))
        for name, fn in hooks
    ]
    try:
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


@mistake("When the model or a function raises, your hooks stay: remove them in a `finally`.")
def leaves_its_hooks_when_something_raises(model, tokens, hooks):
    modules, handles = dict(model.named_modules()), []
    for name, fn in hooks:
        handles.append(modules[name].register_forward_hook(lambda module, args, output, fn=fn: fn(output, module)))
    logits = model(tokens)
    for handle in handles:
        handle.remove()
    return logits


@mistake("The hooks become a dict, and so only one function is left where a name comes twice.")
def one_function_a_name(model, tokens, hooks):
    return _run(model, tokens, list(dict(hooks).items()))


@mistake("Functions on the same name run in the wrong order: the first in the list comes first.")
def reversed_order(model, tokens, hooks):
    return _run(model, tokens, hooks[::-1])


@mistake("Each function gets the original activation: the second on a name should get what the first has made.")
def always_the_original(model, tokens, hooks):
    originals = {}

    def as_torch_hook(fn):
        def hook(module, args, output):
            return fn(originals.setdefault(id(module), output.clone()), module)

        return hook

    return _run(model, tokens, hooks, as_torch_hook)


@mistake("Every name gets the last function: the one made in the loop looks `fn` up when it runs. Bind it first.")
def late_binding(model, tokens, hooks):
    modules, handles = dict(model.named_modules()), []
    try:
        for name, fn in hooks:
            handles.append(modules[name].register_forward_hook(lambda module, args, output: fn(output, module)))  # noqa: B023
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


@mistake("The functions are called, but what they return is dropped: return it from the torch hook.")
def drops_the_result(model, tokens, hooks):
    def as_torch_hook(fn):
        def hook(module, args, output):
            fn(output, module)

        return hook

    return _run(model, tokens, hooks, as_torch_hook)


@mistake("Where a function returns None, the activation becomes something else: None means that it stays as it is.")
def none_becomes_zero(model, tokens, hooks):
    def as_torch_hook(fn):
        def hook(module, args, output):
            result = fn(output, module)
            return torch.zeros_like(output) if result is None else result

        return hook

    return _run(model, tokens, hooks, as_torch_hook)


@mistake("You add what the function returns to the activation: it goes on in its place.")
def adds_the_result(model, tokens, hooks):
    def as_torch_hook(fn):
        def hook(module, args, output):
            result = fn(output, module)
            return None if result is None else output + result

        return hook

    return _run(model, tokens, hooks, as_torch_hook)


@mistake("The function gets the tuple of the module's inputs: give it the output, a tensor.")
def passes_the_inputs(model, tokens, hooks):
    return _run(model, tokens, hooks, lambda fn: lambda module, args, output: fn(args, module))


@mistake("The arguments are the wrong way round: fn(activation, hook).")
def swaps_the_arguments(model, tokens, hooks):
    return _run(model, tokens, hooks, lambda fn: lambda module, args, output: fn(module, output))


@mistake("The second argument of a function is the module, not its name.")
def passes_the_name(model, tokens, hooks):
    modules, handles = dict(model.named_modules()), []
    try:
        for name, fn in hooks:
            handles.append(
                modules[name].register_forward_hook(lambda module, args, output, fn=fn, name=name: fn(output, name))
            )
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


@mistake("A name that the model does not have is passed over without a word: raise a KeyError.")
def passes_over_wrong_names(model, tokens, hooks):
    known = dict(model.named_modules())
    return _run(model, tokens, [(name, fn) for name, fn in hooks if name in known])


@mistake("You look for modules whose name ends in that name: it is the whole name, layers and all.")
def matches_the_end_of_the_name(model, tokens, hooks):
    names = [name for name, _ in model.named_modules() if name]
    found = [([n for n in names if n.endswith(name)] or [name], fn) for name, fn in hooks]
    return _run(model, tokens, [(name, fn) for names, fn in found for name in names])


@mistake("Your function is called twice for one activation: call it once and keep what it returns.")
def calls_twice(model, tokens, hooks):
    def as_torch_hook(fn):
        return lambda module, args, output: None if fn(output, module) is None else fn(output, module)

    return _run(model, tokens, hooks, as_torch_hook)


@mistake("You remove every hook of the modules, those of others too: remove your own by their handles.")
def removes_all_hooks(model, tokens, hooks):
    try:
        return _run(model, tokens, hooks)
    finally:
        for module in model.modules():
            module._forward_hooks.clear()


@mistake("The model's output is not returned.")
def returns_nothing(model, tokens, hooks):
    _run(model, tokens, hooks)
