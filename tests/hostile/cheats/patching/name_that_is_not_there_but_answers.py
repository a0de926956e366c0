# attacks: looking the name up, by a module that answers to every name
# expect: failed error
import sys
import types

import torch


class Anything(types.ModuleType):
    def __getattr__(self, name):
        return lambda *args: True


sys.modules["submission"].__class__ = Anything
