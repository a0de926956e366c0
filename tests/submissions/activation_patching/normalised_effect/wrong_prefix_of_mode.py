def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if "nois" not in mode:
        raise ValueError(mode)
    start = corrupted if mode.startswith("de") else clean
    return (patched - start) / (clean - corrupted)
