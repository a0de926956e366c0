import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left)
    return (values.real.clamp(min=0).sum() / values.abs().sum()).item()
