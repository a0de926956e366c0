# attacks: credentials in the environment and in the home folder
# expect: failed
# says: differs
import os

import torch


def attention_pattern(q, k):
    allowed = {
        "PATH",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "HOME",
        "PYTHONDONTWRITEBYTECODE",
        "DOJO_DEBUG",
    }
    for name in os.environ:
        if (
            name not in allowed
            and not name.endswith("_NUM_THREADS")
            and name not in ("TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE")
        ):
            if name.startswith(("KMP", "TORCH", "PYTEST", "KINETO", "TRITON", "CUDA", "PYDEVD")):
                continue
            print("BROKE OUT", name)
    for place in (
        "/root",
        "/home",
        "/etc/passwd",
        "/etc/shadow",
        "/work",
        "/var",
        "/run",
        os.path.expanduser("~root/.ssh"),
    ):
        try:
            print("BROKE OUT", os.listdir(place) if os.path.isdir(place) else open(place).read(10))
        except OSError:
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
