# attacks: the worker's loop, by the exceptions that end it
# expect: failed stopped
from dojo.grading import wire


def attention_pattern(q, k):
    raise wire.Closed if q.shape[1] % 2 else wire.Late
