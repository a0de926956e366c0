import torch


def copying_score(circuit):
    e = torch.linalg.eig(circuit.right @ circuit.left).eigenvectors.sum(0)
    return (e.real.sum() / e.abs().sum()).item()
