"""Quiz: draw the nucleus and cytoplasm of a cell, then see the expert mask and the results of models."""

import streamlit as st

from wbcseg.ui import cache, glossary, navigation
from wbcseg.ui.components import image_panels
from wbcseg.ui.quiz import question, view
from wbcseg.ui.segment.workspace import open_workspace

navigation.declare_page(
    title="Quiz",
    purpose="Draw the nucleus and cytoplasm of a cell, and compare your mask with the expert's and the models'.",
    order=45,
)

workspace = open_workspace("Draw a cell")
catalog = cache.load_catalog()
with workspace.bar, st.popover("Compare with", icon=":material/compare:"):
    entries = image_panels.select_models(catalog)
_, loaded_image = question.select_cell(workspace)
with workspace.stage:
    quiz_view = view.build_quiz_view(loaded_image, entries, catalog)
    view.show_quiz(quiz_view)
with workspace.side:
    view.show_details(quiz_view)
    glossary.show_glossary("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Errors", "Seen in training")
