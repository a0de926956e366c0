# attacks: unpickling
# expect: failed
# says: expected a tensor
import os


class Payload:
    def __reduce__(self):
        return (os.system, ("touch {ROOT}/owned",))


def attention_pattern(q, k):
    return Payload()
