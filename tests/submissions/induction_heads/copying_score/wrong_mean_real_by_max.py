import torch


def copying_score(circuit):
    e = torch.linalg.eigvals(circuit.right @ circuit.left)
    return (e.real.mean() / e.abs().max()).item()
