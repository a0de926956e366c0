# attacks: comparisons, by an answer that agrees with whatever it is held against
# expect: failed
# says: expected a tensor
import torch


class Yes:
    shape, dtype, ndim = torch.Size((2, 3, 5, 5)), torch.float32, 4

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return Yes()

    def __call__(self, *args, **kwargs):
        return Yes()

    def __bool__(self):
        return True

    def __float__(self):
        return 0.0

    __lt__ = __le__ = __gt__ = __ge__ = __sub__ = __rsub__ = __add__ = __mul__ = __getitem__ = __eq__
    __hash__ = None


def attention_pattern(q, k):
    return Yes()
