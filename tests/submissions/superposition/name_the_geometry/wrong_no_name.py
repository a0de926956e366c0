LEARNER = "  "
