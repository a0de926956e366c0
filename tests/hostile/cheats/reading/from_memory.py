# attacks: functions, modules and text that the warm parent may have left in memory
# expect: failed
# says: differs
import gc
import sys
import types

import torch


def attention_pattern(q, k):
    own = sys._getframe().f_code
    for thing in gc.get_objects():
        try:
            if (
                isinstance(thing, types.FunctionType)
                and thing.__name__ == "attention_pattern"
                and thing.__code__ is not own
            ):
                print("BROKE OUT function", thing)
                return thing(q, k)
            if isinstance(thing, types.ModuleType) and thing.__name__.startswith(("solutions", "graders")):
                print("BROKE OUT module", thing)
                return thing.attention_pattern(q, k)
            if isinstance(thing, dict) and any(
                isinstance(v, str) and "### BEGIN SOLUTION" in v for v in thing.values()
            ):
                if "attention_pattern" not in thing:
                    print("BROKE OUT text", list(thing)[:5])
        except ReferenceError:
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
