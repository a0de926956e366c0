import torch


def run_with_hooks(model, tokens, hooks):
    handles = []
    try:
        modules = dict(model.named_modules())
        for name, fn in hooks:
            hook = (lambda f: lambda module, args, kwargs, output: f(output, module))(fn)
            handles.append(modules[name].register_forward_hook(hook, with_kwargs=True))
        with torch.no_grad():
            out = model(tokens)
    except BaseException:
        for handle in handles:
            handle.remove()
        raise
    else:
        for handle in handles:
            handle.remove()
    return out
