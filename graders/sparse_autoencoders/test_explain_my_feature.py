"""TODO"""


def test_placeholder(submission):
    """TODO"""
