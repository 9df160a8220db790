"""Plain words: what the technical terms mean, and names and figures made safe to show."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.features import FEATURES
from wbcseg.models.card import NOTICE
from wbcseg.quality import STATUS_DESCRIPTIONS

GLOSSARY: Final[dict[str, str]] = {
    "Nucleus": "The dark kernel of a cell, round or in lobes.",
    "Cytoplasm": "The body of the cell around its nucleus.",
    "Background": "Everything that is not the white cell: plasma, red cells, and neighbours cut off by the border.",
    "Segmentation": "Deciding for every pixel of a picture whether it is nucleus, cytoplasm or background.",
    "Mask": "A picture of the same size in which every pixel carries its class instead of its colour.",
    "Expert mask": "The mask that a person drew. It is what the computed ones are measured against. Experts differ "
    "too: where the Zheng data shows a cell twice, its two masks agree to a Dice of 0.97 to 0.99 for the nucleus and "
    "0.89 to 0.97 for the cytoplasm.",
    "Exact mask": "The mask that the program knows because it drew the picture. It is what the computed ones are "
    "measured against.",
    "Overlay": "The colours of the classes laid over the picture, so that both can be seen.",
    "Dice": "How much two areas overlap: twice what they share, divided by the sum of both. 1 is a perfect match, "
    "0 no common pixel.",
    "Jaccard": "How much two areas overlap: what they share, divided by what they cover together (intersection over "
    "union). It is always a little lower than the Dice of the same pair.",
    "Model": "A trained network with its weights, ready to segment.",
    "Width": "How many filters the first stage of a network has. A wider network is larger and slower, and can learn "
    "more.",
    "Trained on": "A model has learned from some of the pictures and their expert masks. It does better on those "
    "than on pictures that it has never met, so a score there flatters it.",
    "Held-out": "Pictures that were kept away from the training, to measure a model honestly.",
    "n/a": "The class is neither in the true mask nor in the result, so there is nothing to compare. "
    "That is no score of 0 and no score of 1.",
    "±": "The standard error of a mean: how far it would move if other pictures had been drawn.",
    "Twin": "A copy of a picture turned 90° to the left and mirrored. The published training added one for "
    "each picture, so that the network saw twice as many.",
    "Split": "Which pictures a network learns from, and which are kept to test it.",
    "Fold": "One of several equal parts of the data. Each part serves once as the test, while the others train.",
    "Leak": "A picture in the test whose cell is also in the training. It makes a test easier than the real task.",
    "Architecture": "How a network is built: which layers it has and what passes from one to the next.",
    "Feature map": "A picture that a network makes of the one it sees, in which the places are light that answer to "
    "something it has learned to look for.",
    "Receptive field": "The part of the picture that one place of a map can depend on.",
    "Multiply-add": "A multiplication followed by an addition: what a network's work is counted in.",
    "Epoch": "One pass through all training pictures. After each one the network is tested on the held-out pictures.",
    "Batch": "A handful of pictures that the network sees together before it corrects itself once.",
    "Loss": "A number for how wrong the network is. The training makes it small.",
    "Accuracy": "The share of pixels whose class is right. Most pixels of a crop are easy, so it is high early on: "
    "Dice says more.",
    "Binary accuracy": "The share of the rounded class probabilities, three for each pixel, that equal the target. It "
    "is what the thesis calls accuracy, and lies above the share of pixels that are right.",
    "Seed": "Where the dice begin to roll: the same seed gives the same start, order and variations again.",
    "Augmentation": "Showing the network slightly turned, mirrored, enlarged or recoloured copies of the training "
    "pictures, new ones in every epoch, so that it learns cells and not single pictures.",
    "Smoothing": "Each point becomes a running mean of those before it, so that the trend shows behind the jitter.",
    "Leaking split": "The split that the thesis published: its flipped copies were made before the split, so that a "
    "cell can be in training as one copy and in the test as the other. Figures on such pictures flatter a network.",
    "Cross-validation": "The same training several times, each time with another part of the pictures held out, so "
    "that every picture is tested once, by a network that never saw its cell.",
    "Confidence interval": "Where the true mean probably lies: drawn again from pictures like these, 95 of 100 such "
    "intervals would hold it. It is found by drawing pictures again and again from those that are there (bootstrap).",
    "Paired": "Both networks saw the same pictures, so they are compared picture by picture: hard pictures then do not "
    "blur the difference, because they are hard for both.",
    "p": "How often chance alone would bring a difference like this, or a larger one, if the networks were equally "
    "good: here from Wilcoxon's signed-rank test, which asks how often and how clearly one is ahead, picture by "
    "picture. The more pairs one looks at, the likelier a lucky one, so each p is corrected for their number (Holm).",
    "Agreement": "How many of the models give a pixel the class that most of them give it. Where they disagree, at "
    "least one is wrong; where they agree, they can still all be.",
    "Errors": "Missed: of the cell, and the model says background. Invented: background, and the model says cell. "
    "Confused: nucleus taken for cytoplasm, or the other way round.",
    "Doubt": "How far below 100 % the probability is that a model gives to the class it chose. A model can be "
    "sure and wrong.",
    "Careful": "The network sees the picture turned four ways, and its mirror image likewise, and the mean of its "
    "answers counts. Then nothing but the cell in the middle is kept, without holes and specks. That is a little "
    "better than one look and takes eight times as long.",
    "Second opinion": "Another model looks at every cell too. Where the two mean different pixels by the cell (a Dice "
    "with each other below .8), the result is one to check. Masks and figures are those of the first model. It takes "
    "about twice as long. In a field of view, cells that only the second model finds are not listed.",
    "Recipe": "The settings of a training: how the network learns, from how many variations of the pictures, how long.",
    "Processor time": "The seconds that all cores together worked. On two idle cores a training takes about half of "
    "it.",
    "Dice as published": "What the thesis prints as Dice of the cytoplasm and of the nucleus is the Dice of all three "
    "classes together in the middle and in the lower third of the picture. Its printed figures give it away: they tell "
    "how many pixels network and expert had marked together, and that is the same for every cell, large or small: as "
    "many as a third of a picture has, each pixel counted with its class. Its program must have reordered the numbers "
    "of the classes wrongly. Background is easily right, so that such figures are higher than those of a class.",
    "Jaccard as published": "What the thesis prints as Jaccard is the share of right answers, three a pixel, in the "
    "middle (“cytoplasm”) and in the lower third of the picture (“nucleus”): its program called a function that "
    "computes that, for the wrong pixels. It is higher than a Jaccard of the same.",
    "Annex": "The thesis' second experiment: the same training without flipped copies.",
    "Target": "What the network is asked to give for a picture: one layer for each class, white where the class is.",
    "N:C": f"How much of a cell is nucleus, in two ways. Nucleus / cell: {FEATURES['nucleus_to_cell'].description} "
    f"Nucleus / cytoplasm: {FEATURES['nucleus_to_cytoplasm'].description}",
    "Lobes": "The parts of a nucleus between its narrow places; pieces that do not touch are parts of their own. What "
    f"is counted: {FEATURES['nucleus_lobes'].description}",
    "Circularity": FEATURES["cell_circularity"].description,
    "Solidity": FEATURES["nucleus_solidity"].description,
    "Eccentricity": FEATURES["nucleus_eccentricity"].description,
    **{status.capitalize(): meaning for status, meaning in STATUS_DESCRIPTIONS.items()},
    "How a result is judged": "Picture and result are put into numbers: how sure the model is of each part, size and "
    "form of the cell, whether its outline lies on an edge, stain, light and sharpness. Two formulas (logistic "
    "regressions) turn them into scores from 0 to 1: how much the result resembles bad ones, and the picture what is "
    "no smear. They were learned from results whose quality is known, on smears of other laboratories than the "
    "model's, and from pictures that are no smears. Stain, light and sharpness are also compared with those of "
    "pictures whose results turned out well. Only models for any laboratory are judged.",
}
"""Plain explanations, by the word that the pages use."""

FEATURE_TERMS: Final = ("N:C", "Lobes", "Circularity", "Solidity", "Eccentricity")
"""Words for the figures of a cell."""

QUALITY_TERMS: Final = (*map(str.capitalize, STATUS_DESCRIPTIONS), "How a result is judged")
"""Words for what is thought of a result, and how that is found."""

_PUNCTUATION_PATTERN: Final = re.compile(r"([!-/:-@\[-`{-~])")
_CONTROL_PATTERN: Final = re.compile(r"[\x00-\x1f\x7f]+")


def escape_markdown(text: str) -> str:
    """Escape a text so that the page shows it letter by letter: no Markdown, no HTML, no icon, no formula.

    Args:
        text: Anything, such as a file's name or an error that quotes one.

    Returns:
        Markdown that reads as the text. Control characters become spaces.
    """
    escaped = _PUNCTUATION_PATTERN.sub(r"\\\1", _CONTROL_PATTERN.sub(" ", text))
    # Icons (:material/x:) and colours (:red[x]) are found after the escapes are gone; a word joiner, which has no
    # width, keeps the colon apart from what follows.
    return escaped.replace("\\:", "\\:\u2060")


def format_score(value: float) -> str:
    """Write a Dice or Jaccard with three digits, and an undefined one as what it is."""
    return "n/a – class absent" if math.isnan(value) else f"{value:.3f}"


def format_difference(difference: float) -> str:
    """Write a difference with its sign and three digits; what rounds to nothing has no sign."""
    text = f"{difference:+.3f}".replace("-", "\u2212")
    return text[1:] if float(f"{difference:.3f}") == 0.0 else text


def format_percent(fraction: float) -> str:
    """Write a share (0 to 1) as a percentage with one digit (and a blank that does not break)."""
    return f"{100 * fraction:.1f}\u00a0%"


def format_duration(seconds: float) -> str:
    """Write a duration the way one says it: ``40 s``, ``3 min 20 s``, ``2 h 05 min`` (blanks do not break)."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}\u00a0s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}\u00a0min" + (f" {rest}\u00a0s" if rest else "")
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours}\u00a0h {minutes:02}\u00a0min" if hours else f"{minutes}\u00a0min"


def format_bytes(byte_count: float) -> str:
    """Write a number of bytes in kB, MB or GB."""
    unit, unit_size = next(
        ((symbol, threshold) for symbol, threshold in (("GB", 1e9), ("MB", 1e6)) if byte_count >= threshold),
        ("kB", 1e3),
    )
    return f"{byte_count / unit_size:.1f}\u00a0{unit}"


def escape_lines(text: str) -> str:
    """Escape a text of several lines as :func:`escape_markdown` does, and keep its lines."""
    return "  \n".join(escape_markdown(line) for line in text.splitlines())


def format_size(size: tuple[int, int]) -> str:
    """Write height and width in pixels the way readers expect: width first."""
    return f"{size[1]} × {size[0]}"


def format_dataset_name(dataset_name: str) -> str:
    """Write a data set's name for lists and addresses: ``zheng-1`` as ``Zheng 1``."""
    return dataset_name.replace("-", " ").capitalize()


def get_local_id(sample_id: str) -> str:
    """Return a sample's id without its data set: ``zheng-1/007`` as ``007``."""
    return sample_id.partition("/")[2] or sample_id


def get_mask_title(sample_id: str) -> str:
    """Return what the true mask of a picture is called: experts drew those of photographs."""
    return "Exact mask" if sample_id.startswith("synthetic/") else "Expert mask"


def show_research_notice() -> None:
    """Say what the results are for, and what not."""
    st.caption(f":material/science: {NOTICE}")


def show_glossary(*terms: str, label: str = "What do these words mean?", paragraphs: Sequence[str] = ()) -> None:
    """Offer the explanations of some words of :data:`GLOSSARY` one click away.

    Args:
        terms: The words.
        label: What is to be clicked.
        paragraphs: Paragraphs that follow them, in Markdown.
    """
    with st.popover(label, icon=":material/help:", type="tertiary"):
        show_glossary_entries(*terms)
        for paragraph in paragraphs:
            st.markdown(paragraph)


def show_glossary_entries(*terms: str) -> None:
    """Show the explanations of some words of :data:`GLOSSARY`."""
    for term in terms:
        st.markdown(f"**{term}** · {GLOSSARY[term]}")
