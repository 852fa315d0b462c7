"""What being late costs: the first hour nothing, then a tenth of the score for each day begun, at most half."""

from __future__ import annotations

import math

from nbgrader.plugins import BasePlugin

GRACE_SECONDS = 3600
PER_DAY = 0.1
AT_MOST = 0.5
POLICY = "the first hour is free, then 10 % of the score per day begun, at most 50 %"


def penalty(score: float, seconds_late: float) -> float:
    """Points taken off a score handed in `seconds_late` after the deadline.

    >>> penalty(80.0, 1800.0), penalty(80.0, 2 * 3600.0), penalty(80.0, 30 * 86400.0)
    (0.0, 8.0, 40.0)
    """
    if seconds_late <= GRACE_SECONDS:
        return 0.0
    days = math.ceil(seconds_late / 86400)
    return round(score * min(PER_DAY * days, AT_MOST), 2)


class LatePenalty(BasePlugin):
    """nbgrader's plug for the policy above."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        return penalty(score, total_seconds_late)
