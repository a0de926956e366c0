def phase_change(steps, scores, min_rise=0.2):
    first = scores[0]
    if not any(s - first >= min_rise for s in scores):
        return None
    best, where = -float("inf"), None
    for a, b, x, y in zip(steps, steps[1:], scores, scores[1:]):
        slope = (y - x) / (b - a)
        if slope > best:
            best, where = slope, a + (b - a) / 2
    return where
