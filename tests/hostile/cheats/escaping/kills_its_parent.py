# attacks: the warm parent
# expect: failed
# says: not allowed
import os
import signal


def attention_pattern(q, k):
    print("parent", os.getppid())
    os.kill(os.getppid() or 1, signal.SIGKILL)
    print("BROKE OUT")
