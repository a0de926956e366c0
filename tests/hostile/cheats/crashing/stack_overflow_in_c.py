# attacks: the interpreter's stack
# expect: stopped failed
# says: crashed|without end
import sys

sys.setrecursionlimit(2**31 - 1)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x"[:0])

    def __repr__(self):
        return repr(self)


def attention_pattern(q, k):
    return repr(Deep())
