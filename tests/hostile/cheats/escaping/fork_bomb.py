# attacks: the table of processes
# expect: failed
# says: not allowed
# level: 2
import os


def attention_pattern(q, k):
    while True:
        os.fork()
        print("BROKE OUT")
