# attacks: every process that it may signal
# expect: failed
# says: not allowed
# level: 1
import os
import signal


def attention_pattern(q, k):
    for pid in (-1, 0, -os.getpgrp()):
        try:
            os.kill(pid, signal.SIGTERM)
            print("BROKE OUT")
        except PermissionError:
            pass
    os.killpg(0, signal.SIGTERM)
    print("BROKE OUT")
