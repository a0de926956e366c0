# attacks: the references, the graders and the shipped course as modules
# expect: failed
# says: differs
import importlib
import sys

import torch

sys.path[:0] = ["{ROOT}", "{CHECKOUT}", "{ROOT}/solutions", "{CHECKOUT}/dojo/_course"]
NAMES = [
    "solutions.transformer_from_scratch",
    "dojo._course.solutions.transformer_from_scratch",
    "transformer_from_scratch",
    "graders.transformer_from_scratch.test_attention_pattern",
    "graders.transformer_from_scratch.kit",
    "solutions",
]


def attention_pattern(q, k):
    for name in NAMES:
        try:
            module = importlib.import_module(name)
            print(
                "BROKE OUT",
                name,
                getattr(module, "__file__", None),
                list(module.__path__) if name == "solutions" else "",
            )
            return module.attention_pattern(q, k)
        except Exception:
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
