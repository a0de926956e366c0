def noising_denoising_verdict(f):
    clean, corrupted, a, b = f(True, True), f(False, False), f(True, False), f(False, True)
    d = [(x - corrupted) / (clean - corrupted) for x in (a, b)]
    n = [(corrupted - x) / (clean - corrupted) for x in (a, b)]
    key = tuple(x > 0.5 for x in d), tuple(x < -0.5 for x in n)
    gates = {((False, False), (True, True)): "AND", ((True, True), (False, False)): "OR",
             ((True, False), (True, False)): "a", ((False, True), (False, True)): "b"}
    return {"denoising": d, "noising": n, "gate": gates.get(key, "other")}
