# attacks: time, by waiting for itself
# expect: stopped
# says: Stopped after
# endless
import threading


def attention_pattern(q, k):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
