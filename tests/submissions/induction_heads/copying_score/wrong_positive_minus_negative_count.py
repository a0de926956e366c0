import torch


def copying_score(circuit):
    values = torch.linalg.eigvals(circuit.right @ circuit.left).real
    return ((values > 0).sum() - (values < 0).sum()).item() / len(values)
