"""Widgets that several pages share: the only part of the package that imports streamlit.

Pages stay short because what they repeat lives here, one room a module:

- :mod:`wbcseg.ui.frame`: the navigation around every page
- :mod:`wbcseg.ui.words`: the explanations of technical words, and names and figures as plain text
- :mod:`wbcseg.ui.store`: data sets, models and results, kept between reruns
- :mod:`wbcseg.ui.choose`: choosing a data set and a picture, or bringing one's own
- :mod:`wbcseg.ui.picture`: a PNG, shown as it is
- :mod:`wbcseg.ui.panels`: one picture, drawn as the reader asks for it
- :mod:`wbcseg.ui.ahead`: the next picture, prepared while the reader looks at this one
- :mod:`wbcseg.ui.scores`: figures as tables
- :mod:`wbcseg.ui.gallery`: many small pictures
- :mod:`wbcseg.ui.take_away`: figures in words, and the files to take away
- :mod:`wbcseg.ui.measures`: the figures of the cell that is shown
- :mod:`wbcseg.ui.bringing` and :mod:`wbcseg.ui.pasting`: bringing many pictures
- :mod:`wbcseg.ui.reading`: how they are to be read
- :mod:`wbcseg.ui.measuring`, :mod:`wbcseg.ui.cell_table` and :mod:`wbcseg.ui.closer`: measuring them
- :mod:`wbcseg.ui.kept`: choices that outlive a visit to another page
- :mod:`wbcseg.ui.status`: what is ready to be used, and downloading what is not
- :mod:`wbcseg.ui.setting` and :mod:`wbcseg.ui.settings`: the settings of a training in plain words
- :mod:`wbcseg.ui.training_form`: describing a training
- :mod:`wbcseg.ui.own_pairs`: a zip of one's own pictures and masks
- :mod:`wbcseg.ui.start`: what a training will cost, and starting it
- :mod:`wbcseg.ui.live`: a training as it goes on
- :mod:`wbcseg.ui.situation`: how a training stands, and what can be done about it
- :mod:`wbcseg.ui.curves`: curves as charts
- :mod:`wbcseg.ui.film_strip`: what a network made of the same pictures, epoch by epoch
- :mod:`wbcseg.ui.runs_table`: all trainings as a table
- :mod:`wbcseg.ui.run_details`: one of them; deleting
- :mod:`wbcseg.ui.comparing`: several of them
- :mod:`wbcseg.ui.prepared`: the published preparation and the two ways to split, on real pictures
"""
