"""Sentences about a comparison, for readers who do not know p-values."""

from __future__ import annotations

import math

from wbcseg.evaluation.comparison import PairwiseComparison
from wbcseg.metrics import Comparison
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.formatting import escape_markdown


def format_comparison(pair: PairwiseComparison, selection: Selection) -> str:
    """Describe a comparison in a sentence for readers who do not know p-values."""
    paired, lower_is_better = pair.comparison, selection.metric.lower_is_better
    if not paired.n_pairs:
        return f"{escape_markdown(pair.first)} and {escape_markdown(pair.second)} have no images in common."
    wins, losses = count_wins_losses(paired, lower_is_better=lower_is_better)
    clear_winner = pair.get_winner(lower_is_better)
    # Where only the rank test is significant, the network that wins on more images may be worse on average.
    first_leads = (
        wins > losses if pair.corrected_p < 0.05 and not clear_winner else (paired.difference > 0) != lower_is_better
    )
    leader, other = (pair.first, pair.second) if first_leads else (pair.second, pair.first)
    wins = wins if first_leads else losses
    # Below, a positive difference favours the leader.
    sign = 1 if first_leads != lower_is_better else -1
    low, high = sorted((sign * paired.ci_low, sign * paired.ci_high))
    unit = f" {selection.metric.unit}" if selection.metric.unit else ""
    difference_text = f"{selection.format_value(sign * paired.difference)}{unit}"
    interval_text = f"95% confidence interval {selection.format_value(low)} to {selection.format_value(high)}"
    images_text = f"on {wins} of {paired.n_pairs} images"
    leader, other = escape_markdown(leader), escape_markdown(other)
    if clear_winner:
        return (
            f"**{leader} is better than {other}** by **{difference_text}** ({interval_text}), {images_text}. "
            f"{format_p_value(pair.corrected_p)}"
        )
    if pair.corrected_p < 0.05:
        return (
            f"**{leader} is better than {other} more often, but not clearly on average**: {images_text}; the mean "
            f"difference in its favour is {difference_text} ({interval_text}). {format_p_value(pair.corrected_p)}"
        )
    return (
        f"**No clear difference** between {leader} and {other}: {difference_text} in favour of the first "
        f"({interval_text}), {images_text}. {format_p_value(pair.corrected_p)}"
    )


def count_wins_losses(paired: Comparison, *, lower_is_better: bool) -> tuple[int, int]:
    """Return the numbers of images on which the first and the second network is better."""
    return (paired.n_smaller, paired.n_larger) if lower_is_better else (paired.n_larger, paired.n_smaller)


def format_p_value(p: float) -> str:
    """Explain a corrected p-value."""
    if math.isnan(p):
        return "Both gave the same result on every image."
    if p < 0.001:
        return "By chance alone, this would happen in fewer than 1 of 1,000 such tests (p\u00a0<\u00a0.001)."
    text = f"p\u00a0=\u00a0{p:.3f}".replace("0.", ".")
    return f"By chance alone, this or more would happen in about {max(1, round(100 * p))} of 100 such tests ({text})."
