# attacks: the judge, by hanging up and going on
# expect: stopped
# says: ended
import os
import time


def attention_pattern(q, k):
    os.closerange(3, 1024)
    time.sleep(1000)
