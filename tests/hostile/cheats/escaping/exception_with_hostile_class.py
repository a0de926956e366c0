# attacks: whoever asks for the name of the exception
# expect: failed stopped


class Meta(type):
    @property
    def __name__(cls):
        return ["not", "a", "name"] * 1000

    @property
    def __mro__(cls):
        return 7


class Hostile(Exception, metaclass=Meta):
    pass


def attention_pattern(q, k):
    raise Hostile("\x1b[2J\x1b[31mPASSED\x1b[0m\r\n" + "x" * 1_000_000)
