# attacks: dicts, by keys that are not names
# expect: failed
# says: expected a tensor


class Key:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise SystemExit


def attention_pattern(q, k):
    return {(1, 2): 3, None: 4, Key(): 5}
