import torch


def copying_score(circuit):
    small = torch.einsum("iv,vj->ij", circuit.right, circuit.left)
    return small.trace() / torch.linalg.eigvals(small).abs().sum()
