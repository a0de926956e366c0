def normalised_effect(patched, clean, corrupted, mode="denoising"):
    assert mode in ("denoising", "noising")
    start = corrupted if mode == "denoising" else clean
    return (patched - start) / (clean - corrupted)
