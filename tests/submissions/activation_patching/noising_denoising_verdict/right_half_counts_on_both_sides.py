def noising_denoising_verdict(f):
    # with >= and <= a half makes "restores" of one and "breaks" of the other true together, which fits no gate either
    ends = f(True, True), f(False, False)
    d = [normalised_effect(f(*x), *ends) for x in ((True, False), (False, True))]
    n = [normalised_effect(f(*x), *ends, "noising") for x in ((False, True), (True, False))]
    key = [x >= 0.5 for x in d] + [x <= -0.5 for x in n]
    names = {"AND": [0, 0, 1, 1], "OR": [1, 1, 0, 0], "a": [1, 0, 1, 0], "b": [0, 1, 0, 1]}
    return {"denoising": d, "noising": n, "gate": next((name for name, k in names.items() if k == key), "other")}
