# attacks: kinds, by subclasses of plain ones
# expect: failed
# says: expected a tensor


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Numbers(list):
    def __len__(self):
        return 0


def attention_pattern(q, k):
    return Text("passed") if q.shape[1] % 2 else Numbers([1, 2, 3])
