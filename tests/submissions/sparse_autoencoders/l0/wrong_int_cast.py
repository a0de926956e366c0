def l0(f):
    return (f.int() > 0).sum(-1).float().mean()
