from functools import partial

import torch


def run_with_hooks(model, tokens, hooks):
    def call(fn, module, inputs, output):
        result = fn(output, module)
        return output if result is None else result

    pairs = [(model.get_submodule(name), fn) for name, fn in hooks]
    handles = [module.register_forward_hook(partial(call, fn)) for module, fn in pairs]
    try:
        logits = model(tokens)
    finally:
        for handle in reversed(handles):
            handle.remove()
    return logits
