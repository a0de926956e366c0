# attacks: the table of open files
# expect: failed
# says: open files|not allowed|raised
# level: 1
import os


def attention_pattern(q, k):
    for _ in range(5000):
        os.pipe()
    print("BROKE OUT")
