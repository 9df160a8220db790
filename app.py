"""Entry point of the web app, for ``streamlit run app.py``: shows the navigation bar and runs the requested page."""

from wbcseg.ui.navigation import setup_navigation

setup_navigation().run()
