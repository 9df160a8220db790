"""Charts of a ranking: the axis of costs, marks and numbers."""

from __future__ import annotations

import math

import pytest

from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.figures import Row

ROWS = [Row(1, "U-Net", ("#3d85c6", "circle"), 0.95, 0.94, 0.96), Row(2, "A method", ("#2d6996", "cross"), 0.9)]


@pytest.mark.parametrize(("costs", "axis"), [([100.0, 1.0], "log"), ([10.0, 1.0], None), ([100.0, 0.0], None)])
def test_costs_that_differ_much_have_a_logarithmic_axis_unless_one_is_zero(costs: list[float], axis: str) -> None:
    figure = figures.draw_trade_off(ROWS, costs, [1, 0], "Cost", "Dice")
    assert figure.layout.xaxis.type == axis
    assert [list(trace.x) for trace in figure.data[1:]] == [[cost] for cost in costs]
    # The line of the Pareto front goes from cheap to expensive.
    assert list(figure.data[0].x) == [costs[1], costs[0]]


def test_rows_have_their_number_and_long_titles_are_cut() -> None:
    assert ROWS[0].label == "U-Net  1"
    long = Row(12, "a run with a name that goes on and on", ("#000000", "x"), math.nan)
    assert long.label.endswith("…  12")
    assert len(long.label) <= figures.MAX_TITLE_LENGTH + 4


def test_bars_beside_ranks_reach_from_the_first_to_the_last_of_a_group() -> None:
    figure = figures.draw_critical_difference(ROWS, [(0, 1)])
    bar = figure.data[-1]
    assert (bar.y[0], bar.y[1]) == (-0.25, 1.25)
    assert bar.x[0] > max(row.value for row in ROWS)
