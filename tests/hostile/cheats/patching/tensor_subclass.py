# attacks: operations on the answer, by __torch_function__
# expect: failed
# says: differs
import torch


class Agreeable(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("allclose", "equal", "isclose", "eq", "__eq__", "all", "lt", "le"):
            return torch.tensor(True)
        return super().__torch_function__(func, types, args, kwargs or {})


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1]).as_subclass(Agreeable)
