"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import torch

# ===== part 1 begins =====
# =====
# =====


# ===== part 1 ends =====

# ===== part 2 begins =====
# =====
# =====


# ===== part 2 ends =====

# ===== part 3 begins =====
# =====
# =====


# ===== part 3 ends =====

# ===== part 4 begins =====
# =====
# =====


# ===== part 4 ends =====

# ===== part 5 begins =====
# =====
# =====


# ===== part 5 ends =====

# ===== part 6 begins =====
# =====
# =====


# ===== part 6 ends =====

