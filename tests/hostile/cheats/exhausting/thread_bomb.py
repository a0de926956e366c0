# attacks: the table of threads
# expect: failed
# says: thread|allowed|raised
# level: 2
import threading
import time


def attention_pattern(q, k):
    for _ in range(3000):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    print("BROKE OUT")
