# attacks: the disk, by one file
# expect: failed
# says: file
# level: 2


def attention_pattern(q, k):
    with open("/tmp/large", "wb") as file:
        for _ in range(200):
            file.write(bytes(1 << 20))
    print("BROKE OUT")
