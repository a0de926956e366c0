from contextlib import ExitStack

import torch


def run_with_hooks(model, tokens, hooks):
    with ExitStack() as stack:
        for name, fn in hooks:
            module = dict(model.named_modules())[name]
            handle = module.register_forward_hook(lambda m, i, o, fn=fn: fn(o, m))
            stack.callback(handle.remove)
        return model(tokens)
