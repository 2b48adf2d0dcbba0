"""How long answers took in several rounds, one way and another in turn, and how much of what that comes to is chance.

A round is a pair: in order, the waits without what is measured, and those with it.
"""

import random
from bisect import bisect_right

DRAWS = 1000


def percentile(waits: list[list[int]], part: float) -> int:
    """Of all of them together. Each list is in order, so none has to be sorted again."""
    place = int((sum(map(len, waits)) - 1) * part)
    least, most = min(one[0] for one in waits), max(one[-1] for one in waits)
    return bisect_right(range(most), place, lo=least, key=lambda wait: sum(bisect_right(one, wait) for one in waits))


def ratio(rounds: list[tuple[list[int], list[int]]]) -> float:
    """The 99th percentile of all rounds with it, by that of all without."""
    without, with_it = zip(*rounds)
    return percentile(with_it, 0.99) / percentile(without, 0.99)


def between(rounds: list[tuple[list[int], list[int]]]) -> tuple[float, float]:
    """Where nine of ten ratios lie of rounds that were drawn from these: how much of one is chance."""
    chance = random.Random(1)
    ratios = sorted(ratio(chance.choices(rounds, k=len(rounds))) for _ in range(DRAWS))
    return ratios[DRAWS // 20], ratios[-DRAWS // 20]
