# attacks: everything that runs after it in the same process
# expect: stopped failed error
import builtins
import sys


def attention_pattern(q, k):
    builtins.__dict__.clear()
    sys.modules.clear()
