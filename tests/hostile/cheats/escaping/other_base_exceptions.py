# attacks: except clauses that catch too little
# expect: failed
# says: raised


class Unstoppable(BaseException):
    pass


def attention_pattern(q, k):
    raise GeneratorExit if q.shape[1] % 2 else Unstoppable("no")
