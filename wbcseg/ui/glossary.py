"""Plain explanations of the technical terms that the pages use, and the widget that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.counting import EDGE_RULE_DESCRIPTION
from wbcseg.features import FEATURES
from wbcseg.models.card import NOTICE
from wbcseg.quality import STATUS_DESCRIPTIONS, STATUS_LABELS

GLOSSARY: Final[dict[str, str]] = {
    # The cell and its image
    "Nucleus": "The stained, DNA-containing part of the cell. It is round, indented or divided into lobes.",
    "Cytoplasm": "The body of the cell around its nucleus.",
    "Background": "Everything that is not the white blood cell: plasma, red cells, and other cells cut off by the "
    "image edge.",
    "Field of view": "An image that shows many cells, as a microscope camera takes it. The white blood cells in it are "
    "found first, then segmented one by one.",
    "Edge rule": EDGE_RULE_DESCRIPTION,
    "Pixel size": "The side length of one pixel in the specimen, in µm. It depends on the objective and the camera. "
    "Without it, lengths and areas are in pixels.",
    # Masks
    "Segmentation": "Assigning each pixel of an image to a class: nucleus, cytoplasm or background.",
    "Mask": "An image of the same size that holds the class of each pixel.",
    "Expert mask": "A mask drawn by an expert, used as the reference. Experts differ, too: where the Zheng data "
    "contain the same cell twice, its two masks agree with a Dice of 0.97 to 0.99 for the nucleus and 0.89 to 0.97 for "
    "the cytoplasm.",
    "Exact mask": "The mask of a synthetic image. It is known exactly, because the program that made the image placed "
    "the cell.",
    "Overlay": "The colours of the classes on top of the image.",
    # Agreement of two masks
    "Dice": "Overlap of two regions: twice the shared area divided by the sum of both areas. 1 is a perfect match, 0 "
    "is no overlap.",
    "Jaccard": "Overlap of two regions: the shared area divided by the area of both together (intersection over union, "
    "IoU). Between 0 and 1 it is always lower than the Dice of the same regions.",
    "n/a": "The class is absent from both the reference and the result, or the reference marks the other class only, "
    "so there is nothing to compare. This is neither a score of 0 nor a score of 1.",
    "±": "Standard error of the mean: how much the mean would vary between samples of images.",
    "Agreement": "How many of the models assign the majority class to a pixel. Where they disagree, at least one is "
    "wrong; where they agree, they can still all be wrong.",
    "Disagreement": "Two models disagree on a cell if the Dice between their results is below 0.95 for the nucleus or "
    "0.93 for the whole cell; 19 of 20 results of general models on new images agree better than that. The places are "
    "marked; at least one of the models is wrong there.",
    "Errors": "False negative: cell in the reference, background in the result. False positive: background in the "
    "reference, cell in the result. Wrong class: nucleus labelled as cytoplasm, or the reverse.",
    # Models and predictions
    "Model": "A trained network, ready to segment images.",
    "Base filters": "The number of filters in the first stage of a network. A network with more filters is larger and "
    "slower, and can learn more.",
    "Seen in training": "The model was trained on this image and its expert mask. It does better on such images than "
    "on new ones, so its score here is optimistic.",
    "Held-out": "Images that were not used in training, so that they test a model fairly.",
    "Fast Dice": "While a network trains: Dice on the validation images at the network's input size, after each epoch. "
    "It is a fast estimate; the finished model's held-out Dice is measured on whole images.",
    "Uncertainty": "100% minus the probability that the model assigns to the class it chose. A model can be certain "
    "and wrong.",
    "Test-time averaging": "The model segments the image in eight orientations (four rotations, each also mirrored), "
    "and the probabilities are averaged. Then only the central cell is kept, without holes and specks. Results are "
    "slightly better than from a single pass and take eight times as long.",
    "Conditional random field": "A step after the model (CRF): pixels that are close to one another and of similar "
    "colour are made to agree on their class. It removes specks and moves outlines to edges of the image, by a few "
    "pixels at most. It helps methods that decide pixel by pixel more than networks.",
    "Second opinion": "A second model segments each cell as well. Where the two disagree (Dice between their results "
    "below 0.8), the result is flagged for review. Masks and measurements are those of the first model. This takes "
    "about twice as long. In a field of view, cells that only the second model finds are not listed.",
    # Methods without a deep network
    "Method": "A way to segment without a deep network. It learns in seconds, from features of pixels.",
    "Pixel feature": "A number that describes a pixel and what surrounds it: a colour, or the strength of an edge or "
    "of a texture at one scale.",
    "Random forest": "Many decision trees, each of which learned from other examples, and which vote.",
    "Support vector machine": "A classifier that divides two classes where the gap between them is widest (SVM).",
    # Networks
    "Architecture": "The design of a network: its layers and how they are connected.",
    "Feature map": "The output of one filter of a network, shown as an image. It is bright where the filter responds "
    "to the pattern that it has learned.",
    "Receptive field": "The part of the input image that one value of a feature map depends on.",
    "Multiply-add": "One multiplication followed by one addition: the unit in which a network's computing work is "
    "counted.",
    "Skip connection": "A way for feature maps of the encoder to reach the decoder directly, which keeps edges sharp.",
    "Unpooling": "Enlarging feature maps by putting each value back to where the encoder's pooling found the maximum "
    "(its index), with zeros around it.",
    "Transposed convolution": "A convolution that enlarges feature maps: each value is spread over several pixels "
    "with learned weights. Also called deconvolution.",
    "Atrous convolution": "A convolution whose weights are applied to pixels at a distance from one another, so that "
    "it covers a larger area with as many weights. Also called dilated convolution.",
    "Dense block": "Layers of which each receives the feature maps of all earlier layers of the block and adds a few.",
    "Recurrent layer": "A layer that reads the feature maps position by position and keeps a state of what it has "
    "read, here along rows and columns in both directions.",
    "Deep supervision": "Inner layers of the network learn to segment as well, not only its last one.",
    # Training
    "Early stopping": "Ending a training when its score on the validation images has not improved for some epochs.",
    "Epoch": "One pass through all training images. After each epoch, the network is tested on the validation images.",
    "Batch": "The images that the network processes together before its weights are updated once.",
    "Loss": "A number that measures how wrong the network's output is. Training minimises it.",
    "Adversarial training": "A second network, the critic, takes part in the training: the network also learns to be "
    "taken for an expert by it.",
    "Critic": "A network that learns to tell experts' masks from those of the network that is being trained. It is not "
    "part of the finished model.",
    "Accuracy": "The fraction of pixels with the right class. Most pixels of an image are easy, so it is high early "
    "on; Dice is more informative.",
    "Binary accuracy": "The fraction of rounded class probabilities, three per pixel, that equal the target. The "
    "thesis calls this accuracy. It is higher than the fraction of pixels with the right class.",
    "Seed": "The random generator's starting number. The same seed gives the same initial weights, order of images and "
    "augmentation.",
    "Augmentation": "Training on randomly rotated, mirrored, scaled or recoloured copies of the images, new ones in "
    "each epoch, so that the network learns what cells look like and not the individual images.",
    "Flipped copy": "A copy of an image, rotated by 90° to the left and mirrored. The thesis added one of each image, "
    "which doubled the training data.",
    "Training target": "The output that the network is trained to give for an image: one layer per class, white where "
    "the class is.",
    "Recipe": "The settings of a training run: how the network learns, with which augmentation, and for how long.",
    "CPU time": "Processor time in seconds, summed over all cores. On two idle cores, a training run takes about half "
    "as long as its CPU time.",
    "Smoothing": "Replaces each point by a running mean of the points before it, which makes the trend easier to see.",
    # Splits and statistics
    "Split": "The division of the images into those that a network is trained on and those that test it.",
    "Fold": "One of several equal parts of the data. Each part is the test set once, while the others are used for "
    "training.",
    "Data leakage": "The test set contains cells that are also in the training set. The test is then easier than the "
    "real task, and its scores are too high.",
    "Leaky split": "The split published in the thesis. Its flipped copies were made before the split, so one copy of a "
    "cell can be in the training set and the other in the test set. Scores from this split are optimistic.",
    "Cross-validation": "The training is repeated several times, each time with a different part of the images held "
    "out. Every image is tested once, by a network that was not trained on its cell.",
    "Confidence interval": "A range that is likely to contain the true mean: of 100 such intervals from new samples of "
    "images, about 95 would contain it. It is computed by resampling the images (bootstrap).",
    "Paired comparison": "Both networks are tested on the same images and compared image by image. Images that are "
    "hard for both then do not blur the difference.",
    "Critical difference": "A diagram of many networks on the same images (Demšar 2006): the mean rank of each, and "
    "bars that join those between which no significant difference was found. That is not the same as equal.",
    "Wilcoxon signed-rank test": "A test of paired differences that uses their order of size only, so that a few "
    "extreme images do not decide.",
    "Holm correction": "With many comparisons, some seem significant by chance. Holm's correction raises the p-values "
    "so that the chance of any such error stays below 5%.",
    "Pareto front": "Those networks that no other one beats in both quality and cost. For each of the others there is "
    "one that is better and no more expensive, or as good and cheaper.",
    "Confusion matrix": "How many pixels of each class were predicted as which class. Its diagonal holds the correct "
    "ones.",
    "Reliability diagram": "Of the pixels that a network is 80% sure of, 80% should be correct. The diagram shows the "
    "fraction that is, against the predicted probability; the expected calibration error is the mean distance from the "
    "diagonal.",
    "p-value": "The probability of a difference at least this large if the networks were equally good, from Wilcoxon's "
    "signed-rank test on the differences per image. With many pairs of networks, some small p-values arise by chance; "
    "the p-values are corrected for this (Holm).",
    # The thesis
    "Dice as published": "What the thesis reports as the Dice of cytoplasm and nucleus is the Dice of all three "
    "classes together, in the middle third and the lower third of the image. The published scores show it: they reveal "
    "how many pixels network and expert marked together, and this number is the same for small and large cells. It is "
    "exactly one third of the image's pixels, each counted with its class. The evaluation code must have mixed up the "
    "axes of the arrays. Background is easy to segment, so these scores are higher than those of a single class.",
    "Jaccard as published": "What the thesis reports as Jaccard is the fraction of correct rounded class "
    "probabilities, three per pixel, in the middle third (“cytoplasm”) and the lower third (“nucleus”) of the image: "
    "the evaluation code called a function that computes accuracy, on the wrong pixels. It is higher than the Jaccard "
    "of the same pixels.",
    "Annex": "The second experiment of the thesis: the same training without flipped copies.",
    # Measurements of a cell
    "N:C ratio": f"Nucleus/cytoplasm. {FEATURES['nucleus_to_cytoplasm'].description} The nuclear fraction is "
    f"nucleus/cell. {FEATURES['nucleus_to_cell'].description}",
    "Nuclear lobes": f"Parts of a nucleus that are separated by narrow bridges or by a gap. "
    f"{FEATURES['nucleus_lobes'].description}",
    "Circularity": FEATURES["cell_circularity"].description,
    "Solidity": FEATURES["nucleus_solidity"].description,
    "Eccentricity": FEATURES["nucleus_eccentricity"].description,
    # Types and counts
    "Differential count": "The percentages of the types of white cells in a sample. 100 % are the white cells with a "
    "type; erythroblasts are given per 100 white cells, and cells whose type is unsure are listed beside it.",
    "Rümke's table": "How far a percentage from a differential count may be from that of the blood, because only some "
    "cells were counted: of 5 % in 100 cells, the 95 % limits are 1 and 12 %, in 200 cells 2 and 10 %. Rümke published "
    "such limits from the binomial distribution, rounded outwards; two counts of the same blood often differ by as "
    "much. The app computes Wilson's interval, which is a little narrower: 2.2 to 11.2 % for 5 of 100 cells.",
    "Cohen's kappa": "Agreement of two readers beyond chance: (agreement − expected agreement) ÷ (1 − expected "
    "agreement). 1 is perfect, 0 is what readers with the same habits would reach by chance.",
    "Sample": "Images that are counted together, such as the fields of view of one smear.",
    "Unsure": "A cell whose type the type model does not give, because the evidence is too weak or the cell looks "
    "unlike those that it was trained on; or one that a person left open.",
    "Type model": "A small network that says what a segmented cell is: neutrophil, lymphocyte and so on. It gives each "
    "type a probability. Its card says how often it is right, also in laboratories that it was not trained on.",
    "Prior": "How common the types of cells are taken to be before a cell is looked at: all equally common, as usual "
    "in an adult's blood, or as estimated from the cells of the sample. It matters most where the evidence is weak.",
    # Quality check
    **{STATUS_LABELS[status]: description for status, description in STATUS_DESCRIPTIONS.items()},
    "How quality is checked": "Image and result are described by numbers: how certain the model is in each region, "
    "size and shape of the cell, whether its outline follows an edge in the image, stain, brightness and sharpness. "
    "Two logistic regressions turn these into scores from 0 to 1: how likely the result is poor, and how likely the "
    "image is not a blood smear. They were fitted on results of known quality, from laboratories that the model was "
    "not trained on, and on images that are not blood smears. Stain, brightness and sharpness are also compared with "
    "those of images that were segmented well. Only general (multi-site) models have a quality check.",
}
"""Plain explanations by term."""

DEVELOPER_TERMS: Final[dict[str, str]] = {
    "Card": "`card.json` in a model's folder: network, training settings, split, held-out scores and checksums.",
    "Cell fraction": "The fraction of the input's side that the cell takes in the second stage of a two-stage "
    "prediction.",
    "Clean epochs": "The final epochs of a training run, without augmentation other than flips and right-angle "
    "rotations.",
    "Cross-site test": "Training on one laboratory's images and testing on another's.",
    "Expected calibration error (ECE)": "The mean difference between a model's confidence and its accuracy.",
    "Run": "One training, and the folder that holds it.",
    "Synthetic smear": "An image generated by this program, with an exact mask.",
    "Thesis bugs": "Three bugs of the thesis' notebooks that can be switched on to reproduce its scores.",
    "Two-stage prediction": "The position and size of the cell are found first; then it is segmented at a fixed scale.",
}
"""Terms that the documents use and the pages do not."""

FEATURE_TERMS: Final = ("N:C ratio", "Nuclear lobes", "Circularity", "Solidity", "Eccentricity")
"""Terms about the measurements of a cell."""

QUALITY_TERMS: Final = (*STATUS_LABELS.values(), "How quality is checked")
"""Terms about the quality check."""


def show_research_notice() -> None:
    """Show that the results are for research and teaching only."""
    st.caption(f":material/science: {NOTICE}")


def show_glossary(*terms: str, label: str = "Glossary", paragraphs: Sequence[str] = ()) -> None:
    """Show a popover that explains terms of :data:`GLOSSARY`.

    Args:
        terms: The terms, in order.
        label: The text of the button that opens it.
        paragraphs: Paragraphs in Markdown that follow the terms.
    """
    with st.popover(label, icon=":material/help:", type="tertiary"):
        show_glossary_entries(*terms)
        for paragraph in paragraphs:
            st.markdown(paragraph)


def show_glossary_entries(*terms: str) -> None:
    """Show terms of :data:`GLOSSARY` with their explanations."""
    for term in terms:
        st.markdown(f"**{term}** · {GLOSSARY[term]}")


def render_markdown() -> str:
    """Return ``docs/glossary.md``: all terms in alphabetical order."""
    terms = sorted({**GLOSSARY, **DEVELOPER_TERMS}.items(), key=lambda item: item[0].casefold())
    return "\n\n".join(["# Glossary", *(f"**{term}**: {text}" for term, text in terms)]) + "\n"
