"""The card of a general (multi-site) model."""

import dataclasses

import pytest

from wbcseg.inference import Catalog
from wbcseg.models.card import ModelCard


@pytest.fixture
def general_card() -> ModelCard:
    card = Catalog().get("unet-16").card
    assert card is not None
    return dataclasses.replace(card, config={**card.config, "augmentation": "strong"})
