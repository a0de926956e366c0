# attacks: the end of the check, by a process in a session of its own
# expect: failed
# says: not allowed
import os
import time


def attention_pattern(q, k):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    print("BROKE OUT")
