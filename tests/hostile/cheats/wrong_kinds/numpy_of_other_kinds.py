# attacks: arrays of objects, which would have to be unpickled
# expect: failed
# says: expected a tensor
import numpy as np


class Payload:
    def __reduce__(self):
        return (print, ("BROKE OUT",))


def attention_pattern(q, k):
    return np.array([Payload(), "x"], dtype=object)
