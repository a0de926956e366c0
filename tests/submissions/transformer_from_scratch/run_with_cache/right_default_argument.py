import torch
from torch import nn


def run_with_cache(model, tokens, names=None):
    modules = {n: m for n, m in model.named_modules()}
    names = [n for n in modules if isinstance(modules[n], HookPoint)] if names is None else names
    for name in names:
        if name not in modules:
            raise KeyError(f"no hook point named {name!r}")
    cache, handles = {}, []
    try:
        for name in names:

            def hook(module, args, output, name=name):
                with torch.no_grad():
                    cache[name] = output.clone()

            handles += [modules[name].register_forward_hook(hook)]
        output = model(tokens)
    finally:
        [handle.remove() for handle in handles]
    return output, cache
