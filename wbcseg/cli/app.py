"""Start the web app in the browser. Needs the extra ``app`` (Streamlit and Plotly)."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from wbcseg import paths
from wbcseg.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--port", type=int, default=8501, help="port to listen on (8501)")
    parser.add_argument(
        "--address",
        default="localhost",
        help="address to listen on (localhost: only this computer; 0.0.0.0: every network interface)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")


def run_command(options: argparse.Namespace) -> int:
    """Run the command until it is interrupted; the exit code is Streamlit's."""
    if importlib.util.find_spec("streamlit") is None or importlib.util.find_spec("plotly") is None:
        raise ConfigError('The web app needs Streamlit and Plotly. Install them with: pip install "wbcseg[app]"')
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"Option --port must be from 1 to 65535. Received: {options.port}")
    return subprocess.call(build_command(options))


def build_command(options: argparse.Namespace) -> list[str]:
    """Return the command line that starts Streamlit with this app."""
    return [
        *(sys.executable, "-m", "streamlit", "run", str(paths.get_app_script())),
        *("--server.port", str(options.port), "--server.address", options.address),
        *("--server.headless", "true" if options.no_browser else "false"),
    ]
