# attacks: the next submission, by files left where it may look
# expect: failed
# says: differs
import os

import torch

print("BROKE OUT" if os.path.exists("/tmp/left-behind") else "", end="")


def attention_pattern(q, k):
    for folder in ("/tmp", os.getcwd(), os.path.expanduser("~")):
        try:
            with open(f"{folder}/left-behind", "w") as file:
                file.write("x")
            with open(f"{folder}/sitecustomize.py", "w") as file:
                file.write("import torch; torch.allclose = None")
        except OSError:
            pass
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
