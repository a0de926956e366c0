import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.left @ circuit.right)
    return (values.sum().real / values.abs().sum()).item()
