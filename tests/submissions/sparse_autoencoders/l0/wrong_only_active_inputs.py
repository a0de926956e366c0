def l0(f):
    n = (f != 0).sum(-1).float()
    return n[n > 0].mean()
