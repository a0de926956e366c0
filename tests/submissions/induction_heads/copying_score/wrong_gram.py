import torch


def copying_score(circuit):
    s = circuit.right @ circuit.right.T
    e = torch.linalg.eigvals(s)
    return (e.real.sum() / e.abs().sum()).item()
