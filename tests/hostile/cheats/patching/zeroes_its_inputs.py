# attacks: a grader that computes the reference from the same tensors
# expect: failed
# says: changed its input
import torch


def attention_pattern(q, k):
    q.zero_()
    k.zero_()
    pattern = torch.ones(q.shape[0], q.shape[2], q.shape[1], k.shape[1]).tril()
    return pattern / pattern.sum(-1, keepdim=True)
