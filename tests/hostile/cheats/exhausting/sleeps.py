# attacks: time, without using any
# expect: stopped
# says: Stopped after
# endless
import signal
import time


def attention_pattern(q, k):
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        time.sleep(1000)
