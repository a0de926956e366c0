import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left)
    top = values[values.abs().argmax()]
    return (top.real / top.abs()).item()
