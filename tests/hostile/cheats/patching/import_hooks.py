# attacks: later imports, of whoever makes them
# expect: failed
# says: differs|raised
import sys
import types

import torch


class Everything:
    def find_spec(self, name, path=None, target=None):
        import importlib.machinery

        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        module.attention_pattern = lambda q, k: torch.zeros(1)


sys.meta_path.insert(0, Everything())
for name in [n for n in sys.modules if n.startswith(("solutions", "graders"))]:
    del sys.modules[name]


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
