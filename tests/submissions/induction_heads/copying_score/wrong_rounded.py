import torch


def copying_score(circuit):
    e = torch.linalg.eigvals(circuit.right @ circuit.left)
    return round((e.real.sum() / e.abs().sum()).item(), 1)
