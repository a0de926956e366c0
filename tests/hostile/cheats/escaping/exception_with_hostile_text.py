# attacks: whoever turns the exception into text
# expect: failed stopped
# says: raised


class Hostile(Exception):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


def attention_pattern(q, k):
    raise Hostile
