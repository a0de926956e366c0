# attacks: the exit code, by an exception
# expect: failed
# says: tried to end the program
import sys


def attention_pattern(q, k):
    sys.exit(0)
