def noising_denoising_verdict(f):
    clean, corrupted, a, b = f(True, True), f(False, False), f(True, False), f(False, True)
    way = clean - corrupted
    denoising, noising = [(a - corrupted) / way, (b - corrupted) / way], [(b - clean) / way, (a - clean) / way]
    key = tuple(e > 0.5 for e in denoising), tuple(e < -0.5 for e in noising)
    table = {((False, False), (True, True)): "AND", ((True, True), (False, False)): "OR"}
    table |= {((True, False), (True, False)): "a", ((False, True), (False, True)): "b"}
    return {"denoising": denoising, "noising": noising, "gate": table.get(key, 'XOR')}
