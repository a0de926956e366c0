# attacks: time, by a signal that stops a process without ending it
# expect: stopped failed
import os
import signal

import torch


def attention_pattern(q, k):
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
    except OSError:
        signal.raise_signal(signal.SIGSTOP)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
