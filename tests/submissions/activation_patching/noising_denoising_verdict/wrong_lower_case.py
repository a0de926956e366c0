def noising_denoising_verdict(f):
    clean, corrupted, a, b = f(True, True), f(False, False), f(True, False), f(False, True)
    d = [(x - corrupted) / (clean - corrupted) for x in (a, b)]
    n = [(x - clean) / (clean - corrupted) for x in (b, a)]
    key = tuple(x > 0.5 for x in d), tuple(x < -0.5 for x in n)
    gates = {((False, False), (True, True)): "and", ((True, True), (False, False)): "or",
             ((True, False), (True, False)): "a", ((False, True), (False, True)): "b"}
    return {"denoising": d, "noising": n, "gate": gates.get(key, "other")}
