# attacks: tolerances that grow with the answer
# expect: failed
# says: differs|inf
import torch


def attention_pattern(q, k):
    return torch.full((q.shape[0], q.shape[2], q.shape[1], k.shape[1]), torch.inf)
