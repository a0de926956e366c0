def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode == "denoising":
        return (patched - corrupted) / (clean - corrupted)
    if mode == "noising":
        return (patched - clean) / (clean - corrupted)
    raise TypeError(mode)
