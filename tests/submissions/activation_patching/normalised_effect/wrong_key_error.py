def normalised_effect(patched, clean, corrupted, mode="denoising"):
    start = {"denoising": corrupted, "noising": clean}[mode]
    return (patched - start) / (clean - corrupted)
