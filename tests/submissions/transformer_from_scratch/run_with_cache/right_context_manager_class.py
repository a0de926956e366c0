import torch
from torch import nn


class Recorder:
    def __enter__(self):
        self.cache, self.handles = {}, []
        return self

    def watch(self, name, module):
        self.handles.append(module.register_forward_hook(lambda m, i, o: self.cache.__setitem__(name, o.data.clone())))

    def __exit__(self, *exception):
        for handle in self.handles:
            handle.remove()


def run_with_cache(model, tokens, names=None):
    modules = dict(model.named_modules())
    if names is None:
        names = (n for n, m in modules.items() if isinstance(m, HookPoint))
    with Recorder() as recorder:
        for name in names:
            recorder.watch(name, modules[name])
        logits = model(tokens)
    return logits, recorder.cache
