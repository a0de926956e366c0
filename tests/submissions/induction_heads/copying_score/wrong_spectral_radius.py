import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left)
    return (values.real.sum() / values.abs().max() / len(values)).item()
