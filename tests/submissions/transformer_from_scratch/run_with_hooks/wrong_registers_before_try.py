import torch


def run_with_hooks(model, tokens, hooks):
    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(lambda m, a, o, fn=fn: fn(o, m)) for name, fn in hooks]
    try:
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()
