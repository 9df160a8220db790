"""The web app's building blocks: the only subpackage that imports Streamlit.

The page scripts in ``pages/`` stay short because their widgets live here:

- :mod:`~wbcseg.ui.navigation` and :mod:`~wbcseg.ui.routes`: the navigation bar and links between pages
- :mod:`~wbcseg.ui.state` and :mod:`~wbcseg.ui.cache`: saved choices, and cached images, models and results
- :mod:`~wbcseg.ui.glossary` and :mod:`~wbcseg.ui.formatting`: explained terms, and numbers and names as text
- :mod:`~wbcseg.ui.components`: widgets that several pages share
- :mod:`~wbcseg.ui.viewer`: the image viewer, with its JavaScript
- one folder per page: :mod:`~wbcseg.ui.segment`, :mod:`~wbcseg.ui.batch`, :mod:`~wbcseg.ui.datasets`,
  :mod:`~wbcseg.ui.architectures`, :mod:`~wbcseg.ui.compare`, :mod:`~wbcseg.ui.train` and :mod:`~wbcseg.ui.runs`
"""
