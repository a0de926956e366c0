def noising_denoising_verdict(f):
    def effect(a, b, mode):
        return normalised_effect(f(a, b), f(True, True), f(False, False), mode)

    result = {
        "noising": (effect(False, True, "noising"), effect(True, False, "noising")),
        "denoising": (effect(True, False, "denoising"), effect(False, True, "denoising")),
    }
    up = [e > 0.5 for e in result["denoising"]]
    down = [e < -0.5 for e in result["noising"]]
    if up == down:
        result["gate"] = {(1, 0): "a", (0, 1): "b"}.get(tuple(map(int, up)), "other")
    elif not any(up) and all(down):
        result["gate"] = "AND"
    elif all(up) and not any(down):
        result["gate"] = "OR"
    else:
        result["gate"] = "other"
    return result
