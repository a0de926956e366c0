# attacks: the worker's own half of the wire
# expect: failed stopped error
import sys

import torch

from dojo.grading import rpc, wire, worker

wire._tensor_bytes = lambda value: b""
rpc.Endpoint._call = lambda self, number, args, kwargs: True
rpc.Endpoint._describe = lambda self, error: {}
rpc.is_request = lambda frame: False
worker.seed_everything = lambda seed: None
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("dojo.grading"):
        module.compare = lambda *args, **kwargs: None


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
