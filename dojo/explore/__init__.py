"""What the site's explore pages compute and draw; the figures serve notebooks and demos too.

`explore.phase_change_figure(steps, scores, patterns, tokens)` and `explore.patching_map(effects, tokens)` draw anybody's
numbers. `dojo.explore.phase`, `dojo.explore.patching` and
`dojo.explore.features` compute them with the course's reference functions.
"""

from dojo.explore.figures import attention_comparison, histogram_figure, patching_map, phase_change_figure

__all__ = ["attention_comparison", "histogram_figure", "patching_map", "phase_change_figure"]
