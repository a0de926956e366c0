# attacks: the course, the installation and the home folder
# expect: failed
# says: differs
import os
import sys

import torch

PLACES = [
    "{ROOT}/solutions/transformer_from_scratch.py",
    "{ROOT}/graders/transformer_from_scratch/test_attention_pattern.py",
    "{ROOT}/owned",
    "{CHECKOUT}/owned",
    "{CHECKOUT}/dojo/owned",
    torch.__file__,
    sys.prefix + "/owned",
    "/owned",
    "/root/owned",
    "/etc/owned",
    "/var/tmp/owned",
    "/dev/shm/owned",
    "/usr/lib/owned",
    os.__file__,
    "/work/owned",
    "/home/owned",
]


def attention_pattern(q, k):
    for place in PLACES:
        for mode in ("a", "w"):
            try:
                with open(place, mode) as file:
                    file.write("# owned\n")
                print("BROKE OUT", place)
            except OSError:
                continue
        for act in (os.remove, lambda p: os.rename(p, p + ".old"), lambda p: os.chmod(p, 0o777), lambda p: os.utime(p)):
            try:
                act(place)
                print("BROKE OUT", place)
            except OSError:
                continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
