def phase_change(steps, scores, min_rise=0.2):
    # only looks for slopes up to the checkpoint with the highest score
    if max(scores) - scores[0] < min_rise:
        return None
    end = scores.index(max(scores))
    slopes = [(scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]) for i in range(end)]
    i = slopes.index(max(slopes))
    return (steps[i] + steps[i + 1]) / 2
