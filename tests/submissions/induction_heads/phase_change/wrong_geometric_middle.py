def phase_change(steps, scores, min_rise=0.2):
    if max(scores) - scores[0] < min_rise:
        return None
    slopes = [(scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]) for i in range(len(steps) - 1)]
    i = slopes.index(max(slopes))
    return (steps[i] * steps[i + 1]) ** 0.5
