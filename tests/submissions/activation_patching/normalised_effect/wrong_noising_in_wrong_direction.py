def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode not in ("denoising", "noising"):
        raise ValueError(mode)
    if mode == "denoising":
        return (patched - corrupted) / (clean - corrupted)
    return (patched - clean) / (corrupted - clean)
