# attacks: the disk, by many files
# expect: failed stopped
# says: file|space|Stopped
# level: 2


def attention_pattern(q, k):
    for i in range(9):
        with open(f"/tmp/part{i}", "wb") as file:
            file.write(bytes(8 << 20))
    print("BROKE OUT")
