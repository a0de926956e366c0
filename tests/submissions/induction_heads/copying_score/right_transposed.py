import torch


def copying_score(circuit):
    values = torch.linalg.eig(circuit.left.T @ circuit.right.T).eigenvalues
    return float(values.sum().real / (values.real**2 + values.imag**2).sqrt().sum())
