"""The app's entry: ``streamlit run app.py``. It draws the frame and runs the page that was asked for."""

from wbcseg.ui.navigation import setup_navigation

setup_navigation().run()
