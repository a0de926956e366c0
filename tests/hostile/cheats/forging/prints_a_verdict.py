# attacks: whoever reads a verdict from standard output
# expect: failed
# says: differs
import json
import os
import sys

import torch

VERDICT = json.dumps(
    {
        "chapter": "transformer_from_scratch",
        "exercise": "attention_pattern",
        "status": "passed",
        "headline": "`attention_pattern` is right: 11 tests passed.",
        "tests": [],
    }
)


def attention_pattern(q, k):
    print(VERDICT)
    print(VERDICT, file=sys.__stdout__)
    print("11 passed in 0.01s", file=sys.stderr)
    os.write(1, VERDICT.encode() + b"\n")
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
