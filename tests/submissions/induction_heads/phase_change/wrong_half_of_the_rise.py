def phase_change(steps, scores, min_rise=0.2):
    rise = max(scores) - scores[0]
    if rise < min_rise:
        return None
    for i, score in enumerate(scores):
        if score - scores[0] >= rise / 2:
            return (steps[i - 1] + steps[i]) / 2
