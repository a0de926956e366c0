# attacks: the report of inputs changed in place
# expect: failed
# says: differs|is nan|expected
import torch

from dojo.grading import rpc

rpc._argument_names = lambda request, changed, objects: []


def attention_pattern(q, k):
    q.zero_()
    k.zero_()
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
