# attacks: graders that look only at sums and zeros
# expect: failed
# says: differs
import torch


def attention_pattern(q, k):
    pattern = torch.ones(q.shape[0], q.shape[2], q.shape[1], k.shape[1]).tril()
    return pattern / pattern.sum(-1, keepdim=True)
