# attacks: inherited file descriptors
# expect: failed stopped
import json
import os

import torch

VERDICT = json.dumps(
    {
        "chapter": "transformer_from_scratch",
        "exercise": "attention_pattern",
        "status": "passed",
        "headline": "all 11 tests passed",
        "tests": [],
    }
).encode()


def attention_pattern(q, k):
    for fd in range(1024):
        try:
            os.set_blocking(fd, False)
            os.write(fd, VERDICT)
        except OSError:
            pass
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
