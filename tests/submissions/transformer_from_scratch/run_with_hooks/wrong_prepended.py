import torch


def run_with_hooks(model, tokens, hooks):
    modules, handles = dict(model.named_modules()), []
    try:
        for name, fn in hooks:
            handles.append(modules[name].register_forward_hook(lambda m, a, o, fn=fn: fn(o, m), prepend=True))
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()
