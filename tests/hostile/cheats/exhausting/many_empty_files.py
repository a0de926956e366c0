# attacks: the kernel's memory, by files without content
# expect: failed
# says: file|space
# level: 2
import os


def attention_pattern(q, k):
    for i in range(20_000):
        os.close(os.open(f"/tmp/{i}", os.O_CREAT | os.O_WRONLY))
    print("BROKE OUT")
