import numpy as np


def phase_change(steps, scores, min_rise=0.2):
    if max(scores) - scores[0] < min_rise:
        return None
    i = int(np.argmax(np.gradient(scores, steps)))
    return float(steps[i])
