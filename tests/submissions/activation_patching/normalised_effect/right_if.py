def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode == "denoising":
        return (patched - corrupted) / (clean - corrupted)
    if mode == "noising":
        return -(clean - patched) / (clean - corrupted)
    raise ValueError(mode)
