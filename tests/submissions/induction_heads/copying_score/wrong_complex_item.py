import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left)
    return (values.sum() / values.abs().sum()).item()
