# attacks: the interpreter
# expect: stopped
# says: crashed
import ctypes


def attention_pattern(q, k):
    ctypes.string_at(0)
