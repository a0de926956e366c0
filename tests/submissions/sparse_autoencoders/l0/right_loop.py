def l0(f):
    rows = f.reshape(-1, f.shape[-1])
    n = 0
    for row in rows:
        for value in row:
            if value != 0:
                n += 1
    return n / len(rows)
