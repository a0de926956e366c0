# attacks: text in the memory of the process, read byte by byte through ctypes
# expect: failed stopped
import ctypes

import torch

NEEDLE = b"known wrong version " + b"of the exercise: " + b"hides_its" + b"elf_softly"


def attention_pattern(q, k):
    try:
        with open("/proc/self/maps") as maps:
            print("BROKE OUT", maps.readline())
    except OSError:
        pass
    middle = id(NEEDLE)
    window = ctypes.string_at(middle - 20_000, 40_000)
    if b"def hides_itself" + b"_softly" in window:
        print("BROKE OUT")
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
