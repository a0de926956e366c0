# attacks: the end of the check, by threads that go on
# expect: failed
# says: differs
import threading
import time

import torch


def forever():
    while True:
        time.sleep(0.01)


def attention_pattern(q, k):
    for _ in range(5):
        threading.Thread(target=forever).start()
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
