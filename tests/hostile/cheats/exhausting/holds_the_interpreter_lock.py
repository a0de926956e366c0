# attacks: a watchdog thread in the same process
# expect: stopped
# says: Stopped after
# endless
import ctypes
import sys

sys.setswitchinterval(1e9)


def attention_pattern(q, k):
    ctypes.PyDLL(None).sleep(1000)
