import torch
from torch import nn


def run_with_cache(model, tokens, names=None):
    modules = dict(model.named_modules())
    if names is None:
        names = [n for n, m in modules.items() if isinstance(m, HookPoint)]
    chosen = {name: modules[name] for name in names}
    cache, handles = {}, []
    try:
        for name, module in chosen.items():
            handles.append(module.register_forward_hook(lambda m, a, o, name=name: cache.update({name: o.clone()})))
        with torch.inference_mode():
            logits = model(tokens)
        return logits, cache
    finally:
        for h in handles:
            h.remove()
