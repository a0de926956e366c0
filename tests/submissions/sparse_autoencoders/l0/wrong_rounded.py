def l0(f):
    return (f.round() != 0).sum(-1).float().mean()
