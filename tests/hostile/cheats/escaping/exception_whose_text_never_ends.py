# attacks: whoever turns the exception into text
# expect: stopped
# says: Stopped after
# endless


class Hostile(Exception):
    def __str__(self):
        while True:
            pass


def attention_pattern(q, k):
    raise Hostile
