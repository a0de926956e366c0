# attacks: the sandbox, by becoming another program
# expect: failed
# says: not allowed
import os
import sys


def attention_pattern(q, k):
    os.execv(sys.executable, [sys.executable, "-c", "print('BROKE OUT')"])
