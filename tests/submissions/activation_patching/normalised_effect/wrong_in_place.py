def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode not in ("denoising", "noising"):
        raise ValueError(mode)
    patched -= corrupted if mode == "denoising" else clean
    return patched / (clean - corrupted)
