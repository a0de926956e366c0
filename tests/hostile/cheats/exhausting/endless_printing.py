# attacks: whoever keeps what is printed
# expect: stopped
# says: Stopped after
# endless


def attention_pattern(q, k):
    while True:
        print("I will not write endless loops. " * 100)
