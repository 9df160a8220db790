"""Batch: segments and measures many images, with a table that fills as results arrive."""

import streamlit as st

from wbcseg.ui import cache, glossary, navigation
from wbcseg.ui.batch import batch_view, detail, field_view, upload
from wbcseg.ui.batch.options import select_options
from wbcseg.ui.compare import feature_agreement
from wbcseg.ui.components import quality_help

navigation.declare_page(
    title="Batch",
    purpose="Segment and measure many images at once, and download masks, measurements and a report.",
    order=30,
)

st.title("Batch")
st.markdown("Upload images of blood smears. Each white blood cell is segmented and measured; download all results.")

upload_set = upload.upload_images()
catalog = cache.load_catalog()
options = select_options(catalog, upload_set.page_count if upload_set else 1)
if upload_set is None:
    batch_view.cancel()
    upload.show_upload_help()
elif options is not None:
    upload_set = upload.select_file_choices(upload_set)
    batch = batch_view.get_or_start_batch(upload_set, options, catalog)
    if batch is not None:
        field_view.apply_corrections(batch, options, catalog)
        batch_view.show_results(batch, options, catalog)
        if not batch.progress.is_active:
            detail.show_detail(batch, options, catalog)
            feature_agreement.show_expected_error([options.entry], tta=options.tta)
        upload.show_pairing_help()
glossary.show_research_notice()
glossary.show_glossary(
    *("Nucleus", "Cytoplasm", *glossary.FEATURE_TERMS, "Dice", "Expert mask"),
    *("Field of view", "Edge rule"),
    *("Test-time averaging", "Second opinion", "Model", *glossary.QUALITY_TERMS),
    paragraphs=quality_help.describe_quality_accuracy(catalog.usable),
)
