def noising_denoising_verdict(f):
    clean, corrupted, a, b = f(True, True), f(False, False), f(True, False), f(False, True)
    d = [(x - corrupted) / (clean - corrupted) for x in (a, b)]
    n = [(x - clean) / (clean - corrupted) for x in (b, a)]
    if sum(d) < 0.5:
        gate = "AND"
    elif sum(d) > 1.5:
        gate = "OR"
    else:
        gate = "a" if d[0] > d[1] else "b"
    return {"denoising": d, "noising": n, "gate": gate}
