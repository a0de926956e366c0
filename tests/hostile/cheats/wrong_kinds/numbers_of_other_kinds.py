# attacks: the wire, by kinds that it does not know
# expect: failed stopped
import decimal
import fractions

import torch


def attention_pattern(q, k):
    return {2: 10**100, 5: decimal.Decimal(1), 6: fractions.Fraction(1, 3), 3: {1, 2}}.get(q.shape[1], 1j)
