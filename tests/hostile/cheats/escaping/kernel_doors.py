# attacks: parts of the kernel that no exercise needs
# expect: failed
# says: differs
# level: 1
import ctypes

import torch

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "bpf": 321,
    "io_uring_setup": 425,
    "keyctl": 250,
    "userfaultfd": 323,
    "perf_event_open": 298,
    "personality": 135,
    "memfd_create": 319,
    "shmget": 29,
    "msgget": 68,
    "semget": 64,
    "mq_open": 240,
    "add_key": 248,
    "fsopen": 430,
    "process_madvise": 440,
    "init_module": 175,
    "reboot": 169,
    "setpriority": 141,
    "sched_setaffinity": 203,
    "inotify_init1": 294,
    "fanotify_init": 300,
    "kcmp": 312,
    "sethostname": 170,
    "setsid": 112,
}


def attention_pattern(q, k):
    text = ctypes.create_string_buffer(b"x" * 64)
    for name, number in CALLS.items():
        arguments = (
            (text, 0) if name == "memfd_create" else (0, 4096, 0o1777, 0) if name.endswith("get") else (0, 0, 0, 0)
        )
        if libc.syscall(number, *arguments) >= 0:
            print("BROKE OUT", name)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
