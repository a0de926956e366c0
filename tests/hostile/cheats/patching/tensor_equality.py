# attacks: Tensor.__eq__ and its relatives
# expect: failed
# says: differs
import torch

for name in ("__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__ne__"):
    setattr(torch.Tensor, name, lambda self, other: torch.ones(self.shape, dtype=torch.bool))
torch.Tensor.__sub__ = lambda self, other: torch.zeros(self.shape)
torch.Tensor.max = lambda self, *args, **kwargs: torch.tensor(0.0)


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
