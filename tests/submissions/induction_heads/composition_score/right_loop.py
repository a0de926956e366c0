import numpy as np
import torch


def composition_score(W_A, W_B):
    lead = np.broadcast_shapes(W_A.shape[:-2], W_B.shape[:-2])
    A = W_A.expand(*lead, *W_A.shape[-2:])
    B = W_B.expand(*lead, *W_B.shape[-2:])
    out = torch.zeros(lead)
    for i in np.ndindex(*lead):
        out[i] = (A[i] @ B[i]).norm() / (A[i].norm() * B[i].norm())
    return out
