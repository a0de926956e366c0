import torch
from torch import nn


CACHE = {}


def run_with_cache(model, tokens, names=None):
    modules = dict(model.named_modules())
    if names is None:
        names = [n for n, m in modules.items() if isinstance(m, HookPoint)]
    handles = []
    try:
        for name in names:
            handles.append(
                modules[name].register_forward_hook(lambda m, a, o, name=name: CACHE.update({name: o.detach().clone()}))
            )
        return model(tokens), CACHE
    finally:
        for handle in handles:
            handle.remove()
