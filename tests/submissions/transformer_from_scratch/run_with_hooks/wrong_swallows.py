import torch


def run_with_hooks(model, tokens, hooks):
    modules, handles = dict(model.named_modules()), []
    try:
        for name, fn in hooks:

            def hook(module, args, output, fn=fn):
                return fn(output, module)

            handles.append(modules[name].register_forward_hook(hook))
        return model(tokens)
    except RuntimeError:
        return None
    finally:
        for handle in handles:
            handle.remove()
