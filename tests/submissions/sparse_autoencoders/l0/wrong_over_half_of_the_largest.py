def l0(f):
    return (f > f.max() / 2).sum(-1).float().mean()
