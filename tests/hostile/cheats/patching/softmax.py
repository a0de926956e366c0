# attacks: the functions that a reference would use
# expect: failed
# says: differs
import torch
import torch.nn.functional as F


def nothing(x, *args, **kwargs):
    return torch.zeros_like(x)


torch.softmax = torch.Tensor.softmax = F.softmax = torch.exp = torch.Tensor.exp = nothing
torch.Tensor.masked_fill = torch.Tensor.masked_fill_ = torch.Tensor.matmul = torch.matmul = nothing


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
