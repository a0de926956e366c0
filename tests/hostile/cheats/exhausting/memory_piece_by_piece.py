# attacks: memory, little by little
# expect: stopped
# says: memory
# level: 1


def attention_pattern(q, k):
    kept = []
    while True:
        kept.append(bytes(1 << 20))
