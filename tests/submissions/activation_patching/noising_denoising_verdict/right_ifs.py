def noising_denoising_verdict(f):
    clean, corrupted = f(True, True), f(False, False)
    a_only, b_only = f(True, False), f(False, True)
    span = clean - corrupted
    da, db = (a_only - corrupted) / span, (b_only - corrupted) / span
    na, nb = (b_only - clean) / span, (a_only - clean) / span
    if da <= 0.5 and db <= 0.5 and na < -0.5 and nb < -0.5:
        gate = "AND"
    elif da > 0.5 and db > 0.5 and na >= -0.5 and nb >= -0.5:
        gate = "OR"
    elif da > 0.5 and na < -0.5 and db <= 0.5 and nb >= -0.5:
        gate = "a"
    elif db > 0.5 and nb < -0.5 and da <= 0.5 and na >= -0.5:
        gate = "b"
    else:
        gate = "other"
    return {"denoising": [da, db], "noising": [na, nb], "gate": gate}
