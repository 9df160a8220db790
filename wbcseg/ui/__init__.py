"""Widgets that several pages share: the only part of the package that imports streamlit.

Pages stay short because what they repeat lives here, one room a module:

- :mod:`wbcseg.ui.navigation`: the navigation around every page
- :mod:`wbcseg.ui.glossary`: explanations of technical terms
- :mod:`wbcseg.ui.formatting`: numbers, names and untrusted text as plain text
- :mod:`wbcseg.ui.cache`: data sets, models and results, kept between reruns
- :mod:`wbcseg.ui.components.dataset_picker`: choosing a data set and a picture, or bringing one's own
- :mod:`wbcseg.ui.components.image`: a PNG, shown as it is
- :mod:`wbcseg.ui.components.image_panels`: one picture, drawn as the reader asks for it
- :mod:`wbcseg.ui.segment.prefetch`: the next picture, prepared while the reader looks at this one
- :mod:`wbcseg.ui.components.score_tables`: figures as tables
- :mod:`wbcseg.ui.datasets.gallery`: many small pictures
- :mod:`wbcseg.ui.components.downloads`: figures in words, and the files to take away
- :mod:`wbcseg.ui.segment.cell_features`: the figures of the cell that is shown
- :mod:`wbcseg.ui.batch.upload` and :mod:`wbcseg.ui.batch.paste`: bringing many pictures
- :mod:`wbcseg.ui.batch.options`: how they are to be read
- :mod:`wbcseg.ui.batch.batch_view`, :mod:`wbcseg.ui.components.cell_table` and :mod:`wbcseg.ui.batch.detail`:
  measuring them
- :mod:`wbcseg.ui.state`: choices that outlive a visit to another page
- :mod:`wbcseg.ui.components.dataset_status`: what is ready to be used, and downloading what is not
- :mod:`wbcseg.ui.train.fields`: the settings of a training in a form
- :mod:`wbcseg.ui.train.form`: describing a training
- :mod:`wbcseg.ui.components.dataset_upload`: a zip of one's own pictures and masks
- :mod:`wbcseg.ui.train.launch`: what a training will cost, and starting it
- :mod:`wbcseg.ui.train.live`: a training as it goes on
- :mod:`wbcseg.ui.components.run_status`: how a training stands, and what can be done about it
- :mod:`wbcseg.ui.components.line_charts`: curves as charts
- :mod:`wbcseg.ui.train.snapshots`: what a network made of the same pictures, epoch by epoch
- :mod:`wbcseg.ui.runs.table`: all trainings as a table
- :mod:`wbcseg.ui.runs.details`: one of them; deleting
- :mod:`wbcseg.ui.runs.comparison`: several of them
- :mod:`wbcseg.ui.datasets.preparation`: the published preparation and the two ways to split, on real pictures
"""
