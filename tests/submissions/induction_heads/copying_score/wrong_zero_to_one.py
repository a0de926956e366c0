import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left)
    return ((values.real.sum() / values.abs().sum() + 1) / 2).item()
