import torch


def copying_score(circuit):
    small = circuit.right @ circuit.left
    return (small.trace() / torch.linalg.matrix_norm(small, "nuc")).item()
