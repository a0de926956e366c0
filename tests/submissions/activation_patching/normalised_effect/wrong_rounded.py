import torch


def normalised_effect(patched, clean, corrupted, mode="denoising"):
    if mode not in ("denoising", "noising"):
        raise ValueError(mode)
    start = corrupted if mode == "denoising" else clean
    return torch.round(torch.as_tensor(patched - start) / (clean - corrupted), decimals=1)
