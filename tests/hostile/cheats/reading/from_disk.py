# attacks: the references on disk
# expect: failed
# says: BROKE|differs
import glob
import os

import torch

PLACES = ["{ROOT}", "{CHECKOUT}", "/", os.getcwd(), *[p for p in __import__("sys").path if p]]


def attention_pattern(q, k):
    for place in PLACES:
        for path in [
            *glob.glob(f"{place}/solutions/*.py"),
            *glob.glob(f"{place}/**/_course/solutions/*.py"),
            *glob.glob(f"{place}/graders/*/*.py"),
            f"{place}/solutions/transformer_from_scratch.py",
        ]:
            try:
                with open(path) as file:
                    text = file.read()
                print("BROKE OUT", path)
                namespace = {}
                exec(text, namespace)
                return namespace["attention_pattern"](q, k)
            except Exception:
                continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
