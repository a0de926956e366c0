import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left).real
    return (values.sum() / values.abs().sum()).item()
