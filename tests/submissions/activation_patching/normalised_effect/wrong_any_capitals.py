def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode.lower() == "denoising":
        return (patched - corrupted) / (clean - corrupted)
    if mode.lower() == "noising":
        return (patched - clean) / (clean - corrupted)
    raise ValueError(mode)
