import torch


def phase_change(steps, scores, min_rise=0.2):
    steps = torch.as_tensor(steps, dtype=torch.float64)
    scores = torch.as_tensor(scores, dtype=torch.float64)
    if (scores.max() - scores[0]).item() < min_rise:
        return None
    slopes = scores.diff() / steps.diff()
    i = int((slopes == slopes.max()).nonzero()[0])
    return (steps[i] + steps[i + 1]) / 2
