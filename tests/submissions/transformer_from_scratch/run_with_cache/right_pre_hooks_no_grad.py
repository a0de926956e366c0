import torch
from torch import nn


def run_with_cache(model, tokens, names=None):
    lookup = {module: name for name, module in model.named_modules()}
    wanted = {m for m, n in lookup.items() if isinstance(m, HookPoint) and (names is None or n in names)}
    if names is not None and len(wanted) < len(set(names)):
        raise ValueError("unknown hook point")
    cache = {}
    handles = [
        m.register_forward_pre_hook(lambda m, args: cache.update({lookup[m]: args[0].detach().clone()})) for m in wanted
    ]
    try:
        with torch.no_grad():
            return [model(tokens), cache]
    finally:
        while handles:
            handles.pop().remove()
