# attacks: the exit code, by an exception while its module is loaded
# expect: error failed
# says: tried to end the program
import sys

sys.exit(0)


def attention_pattern(q, k):
    return q
