def l0(f):
    return f.sign().abs().sum(-1).flatten().mean()
