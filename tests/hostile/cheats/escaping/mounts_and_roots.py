# attacks: the sandbox's view of the disk
# expect: failed
# says: differs
# level: 1
import ctypes
import os

import torch

libc = ctypes.CDLL(None, use_errno=True)


def attention_pattern(q, k):
    attempts = {
        "mount proc": lambda: libc.mount(b"proc", b"/tmp", b"proc", 0, b""),
        "mount tmpfs": lambda: libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b""),
        "umount": lambda: libc.umount2(b"/tmp", 2),
        "unshare": lambda: libc.unshare(0x10000000),
        "unshare mounts": lambda: libc.unshare(0x00020000),
        "chroot": lambda: libc.chroot(b"/tmp"),
        "pivot_root": lambda: libc.syscall(155, b".", b"."),
        "setns": lambda: libc.setns(0, 0),
        "mknod": lambda: libc.mknod(b"/tmp/disk", 0o060600, 0x800),
        "open_by_handle_at": lambda: libc.syscall(304, -100, ctypes.create_string_buffer(128), 0),
    }
    for name, attempt in attempts.items():
        if attempt() >= 0:
            print("BROKE OUT", name)
    for uid in (0, 1000):
        try:
            os.setuid(uid)
            print("BROKE OUT setuid", uid)
        except OSError:
            pass
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
