"""Entry point of the web app, for ``streamlit run app.py``.

Streamlit imports it once to get the server, ``app``, and then executes it as a script for every run of a page, to show
the navigation bar and the requested page.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from wbcseg.ui import server

    app = st.App(__file__, middleware=server.create_middleware(), routes=server.create_routes(), lifespan=server.run)
else:
    from wbcseg.ui.navigation import setup_navigation

    setup_navigation().run()
