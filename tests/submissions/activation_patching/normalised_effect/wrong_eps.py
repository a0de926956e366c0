def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode not in ("denoising", "noising"):
        raise ValueError(mode)
    return (patched - (corrupted if mode == "denoising" else clean)) / (clean - corrupted + 1e-3)
