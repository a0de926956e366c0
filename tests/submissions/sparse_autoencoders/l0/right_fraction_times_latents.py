def l0(f):
    return (f > 0).double().mean() * f.shape[-1]
