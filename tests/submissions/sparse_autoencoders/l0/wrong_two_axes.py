def l0(f):
    return (f != 0).sum(dim=1).float().mean()
