"""Batch: segments and measures many images, with a table that fills as results arrive."""

import streamlit as st

from wbcseg.ui import cache, glossary, keep, navigation
from wbcseg.ui.batch import batch_view, detail, field_view, images, session, workbench
from wbcseg.ui.batch.options import select_options
from wbcseg.ui.compare import feature_agreement
from wbcseg.ui.components import quality_help

navigation.declare_page(
    title="Batch",
    purpose="Segment and measure many images at once, and download masks, measurements and a report.",
    order=30,
)

head = images.show_head("Batch")
upload_set = images.select_images(head)
catalog = cache.load_catalog()
options, upload_set = select_options(catalog, upload_set, head)
if upload_set is None and session.has_opened_session():
    batch_view.cancel()
    session.show_opened_session()
elif upload_set is None:
    batch_view.cancel()
    images.show_upload_help()
    session.open_session()
elif options is not None:
    batch = batch_view.get_or_start_batch(upload_set, options, catalog)
    if batch is not None:
        field_view.apply_corrections(batch, options, catalog)
        with st.container(key="batch_results"):
            batch_view.show_results(batch, options, catalog)
            if not batch.progress.is_active:
                session.show_problem()
                workbench.show_workbench(batch, options, catalog)
        if not batch.progress.is_active:
            detail.show_detail(batch, options, catalog)
            feature_agreement.show_expected_error([options.entry], tta=options.tta)
        images.show_pairing_help()
keep.show_keep_switch()
glossary.show_research_notice()
glossary.show_glossary(
    *("Nucleus", "Cytoplasm", *glossary.FEATURE_TERMS, "Dice", "Expert mask"),
    *("Field of view", "Edge rule"),
    *("Differential count", "Rümke's table", "Cohen's kappa", "Sample", "Unsure"),
    *("Test-time averaging", "Second opinion", "Model", *glossary.QUALITY_TERMS),
    paragraphs=quality_help.describe_quality_accuracy(catalog.usable),
)
