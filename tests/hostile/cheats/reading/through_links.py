# attacks: folders that it may not see, by links and by way of folders that it may
# expect: failed
# says: differs
import os

import torch

TARGETS = [
    "{ROOT}/solutions",
    "{CHECKOUT}/solutions",
    "{ROOT}/models/../solutions",
    "{CHECKOUT}/dojo/../solutions",
    "{CHECKOUT}/dojo/../.git",
    "../../../../../../{CHECKOUT}/graders",
    "/tmp/../{CHECKOUT}/graders",
]


def attention_pattern(q, k):
    for i, target in enumerate(TARGETS):
        for make in (os.symlink, os.link):
            try:
                make(target, f"/tmp/{make.__name__}{i}-{q.shape[1]}")
            except OSError:
                continue
            try:
                print("BROKE OUT", os.listdir(f"/tmp/{make.__name__}{i}-{q.shape[1]}"))
            except OSError:
                continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
