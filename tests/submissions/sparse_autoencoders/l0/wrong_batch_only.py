def l0(f):
    return (f != 0).sum() / len(f)
