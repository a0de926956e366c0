# attacks: the end of the check, by a pool of processes
# expect: failed
# says: not allowed|not there
import multiprocessing


def attention_pattern(q, k):
    with multiprocessing.Pool(2) as pool:
        print("BROKE OUT", pool.map(abs, [1, 2]))
