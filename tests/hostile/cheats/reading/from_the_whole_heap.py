# attacks: text in the memory of the process, read byte by byte through ctypes
# expect: failed stopped
import ctypes

import torch

HEAD, TAIL = b"def hides_its", b"elf_softly"  # never joined: this source must not be what it finds


def attention_pattern(q, k):
    try:
        with open("/proc/self/maps") as maps:
            print("BROKE OUT", maps.readline())
    except OSError:
        pass
    window = ctypes.string_at(id(HEAD) - 20_000, 40_000)
    if any(after.startswith(TAIL) for after in window.split(HEAD)[1:]):
        print("BROKE OUT")
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
