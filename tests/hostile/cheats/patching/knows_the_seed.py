# attacks: random inputs, by using the seed again
# expect: failed
import torch


def attention_pattern(q, k):
    torch.manual_seed(torch.initial_seed())
    return torch.randn(q.shape[0], q.shape[2], q.shape[1], k.shape[1]).softmax(-1)
