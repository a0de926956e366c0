def phase_change(steps, scores, min_rise=0.2):
    if max(scores[1:]) - scores[0] < 0:
        return None
    slopes = [(scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]) for i in range(len(steps) - 1)]
    i = slopes.index(max(slopes))
    return (steps[i] + steps[i + 1]) / 2
