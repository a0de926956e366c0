import torch
from torch import nn


def run_with_cache(model, tokens, names=None):
    modules = dict(model.named_modules())
    cache, patched = {}, []

    def wrap(name, module):
        original = module.forward

        def forward(x):
            out = original(x)
            cache[name] = out.detach().clone()
            return out

        module.forward = forward
        patched.append(module)

    try:
        for name in dict.fromkeys(
            names if names is not None else [n for n, m in modules.items() if isinstance(m, HookPoint)]
        ):
            wrap(name, modules[name])
        return model(tokens), cache
    finally:
        for module in patched:
            del module.forward
