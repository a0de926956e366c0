def noising_denoising_verdict(f):
    clean, corrupted, a, b = f(1, 1), f(0, 0), f(1, 0), f(0, 1)
    d = [(x - corrupted) / (clean - corrupted) for x in (a, b)]
    n = [(x - clean) / (clean - corrupted) for x in (b, a)]
    key = tuple(x > 0.5 for x in d), tuple(x < -0.5 for x in n)
    gates = {((False, False), (True, True)): "AND", ((True, True), (False, False)): "OR",
             ((True, False), (True, False)): "a", ((False, True), (False, True)): "b"}
    return {"denoising": d, "noising": n, "gate": gates.get(key, "other")}
