"""Presets: tried and tested settings to start from."""

from __future__ import annotations

from typing import Final

from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig

PRESETS: Final[dict[str, TrainingConfig]] = {
    # The thesis, chapters 3.1 to 3.4, with what its notebooks did beyond the text.
    "thesis": TrainingConfig(
        base_filters=64,
        bn_momentum=0.99,
        bn_debias=True,
        dataset="zheng-1",
        split="thesis",
        flipped_copies=True,
        thesis_bugs=True,
        augmentation="none",
        epochs=30,
        batch_size=20,
        optimizer="adam",
        learning_rate=1e-4,
        weight_decay=0.0,
        schedule="constant",
        warmup_epochs=0,
        loss="binary_crossentropy",
    ),
    # Chosen for the U-Net: the best validation Dice of the cell among settings that take two minutes on two cores.
    "quick": TrainingConfig(
        bn_momentum=0.8,
        dataset="zheng-1",
        input_size=72,
        augmentation="none",
        epochs=12,
        learning_rate=5e-3,
        warmup_epochs=1,
        ema_decay=0.9,
    ),
    "compact": TrainingConfig(dataset="zheng-1", clean_epochs=40, epochs=120, ema_decay=0.98),
    # "compact" with twice the epochs and rare cell types shown more often.
    "thorough": TrainingConfig(dataset="zheng-1", class_balance=0.5, clean_epochs=80, epochs=240, ema_decay=0.98),
    # One protocol for networks of equal size: a quarter of the epochs of "compact", so that a dozen networks can be
    # trained on five folds in a night on two cores.
    "comparison": TrainingConfig(dataset="zheng-1", clean_epochs=10, epochs=30, ema_decay=0.95),
    # For crops from many sites: the strongest augmentation and all available images. Longer than validation on the
    # same data suggests: tested on Dataset 2 after training on Dataset 1, cytoplasm Dice was .90 instead of .88 after
    # 160 epochs.
    "general": TrainingConfig(
        dataset="zheng+synthetic",
        augmentation="strong",
        class_balance=0.5,
        clean_epochs=130,
        epochs=400,
        ema_decay=0.98,
    ),
    # A copy of the general model, fine-tuned on 5 to 30 corrected crops of one laboratory in a few minutes.
    "adapt": TrainingConfig(
        dataset=UPLOADED_DATASET,
        start_from="unet-general",
        augmentation="strong",
        clean_epochs=60,
        epochs=400,
        batch_size=8,
        learning_rate=1e-3,
        warmup_epochs=5,
        ema_decay=0.98,
    ),
}
"""Settings by the name of the preset."""

PRESET_TITLES: Final = {
    "quick": "Quick",
    "compact": "Compact",
    "thorough": "Compact, longer",
    "comparison": "Comparison (all networks)",
    "general": "General (multi-site)",
    "adapt": "Adapt to my images",
    "thesis": "Thesis settings",
}
"""Titles of the presets for people, in the order in which a form offers them."""

PRESET_DESCRIPTIONS: Final = {
    "quick": "A small network and only a few epochs: a first result in a few minutes.",
    "compact": "A small network with a leak-free split and many epochs: nearly as good as the full-size network, in a "
    "fraction of its time.",
    "thorough": "The same with twice the epochs and rare cell types shown more often: slightly better for all cells.",
    "comparison": "The protocol by which Compare ranks the networks: a quarter of the compact settings' epochs. Choose "
    "base filters for about 1.5 million parameters, as the page Architectures lists them.",
    "general": "A small network for images from many sites: trained on all data sets with cells of any size, and the "
    "strongest augmentation of stain, light, focus and neighbouring cells. Its outlines are refined along the image's "
    "edges.",
    "adapt": "A copy of the general model learns from 5 to 30 of your own images with corrected masks. Every fifth is "
    "held out, and you are told whether the adapted model is better on these. Takes a few minutes.",
    "thesis": f"The thesis' settings ({PRESETS['thesis'].base_filters} base filters) and its leaky split: takes hours "
    "on a small computer.",
}
"""What the presets are for, in a sentence or two."""
