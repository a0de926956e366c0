import numpy as np


def phase_change(steps, scores, min_rise=0.2):
    steps, scores = np.asarray(steps, dtype=float), np.asarray(scores, dtype=float)
    if scores.max() - scores[0] < min_rise:
        return None
    i = int(np.argmax(np.diff(scores) / np.diff(steps)))
    return float(steps[i : i + 2].mean())
