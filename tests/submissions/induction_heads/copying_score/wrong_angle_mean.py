import torch


def copying_score(circuit):
    e = torch.linalg.eigvals(circuit.right @ circuit.left)
    return e.angle().cos().mean().item()
