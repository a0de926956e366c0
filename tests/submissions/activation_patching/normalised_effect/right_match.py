import torch


def normalised_effect(patched, clean, corrupted, mode="denoising"):
    restored = (torch.as_tensor(patched) - corrupted) / (clean - corrupted)
    match mode:
        case "denoising":
            return restored
        case "noising":
            return restored - 1
        case _:
            raise ValueError("mode must be 'denoising' or 'noising'")
