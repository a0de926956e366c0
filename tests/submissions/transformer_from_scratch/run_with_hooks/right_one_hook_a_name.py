from collections import defaultdict

import torch


def run_with_hooks(model, tokens, hooks):
    modules = dict(model.named_modules())
    by_name = defaultdict(list)
    for name, fn in hooks:
        if name not in modules:
            raise KeyError(name)
        by_name[name].append(fn)

    def make(functions):
        def hook(module, args, output):
            for fn in functions:
                new = fn(output, module)
                if new is not None:
                    output = new
            return output

        return hook

    handles = []
    try:
        for name, functions in by_name.items():
            handles.append(modules[name].register_forward_hook(make(functions)))
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()
