# attacks: memory, by small objects
# expect: stopped failed
# says: memory|Stopped
# level: 1
# endless


def attention_pattern(q, k):
    kept = {}
    n = 0
    while True:
        kept[n] = [n]
        n += 1
