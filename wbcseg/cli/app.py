"""Start the web app in the browser. Needs the extra ``app`` (Streamlit and Plotly)."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from typing import Final

from wbcseg import paths
from wbcseg.errors import ConfigError
from wbcseg.hosting import get_limits, get_mode

LOCAL_ADDRESSES: Final = ("localhost", "127.0.0.1", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--port", type=int, default=8501, help="port to listen on (8501)")
    parser.add_argument(
        "--address",
        help="address to listen on: localhost, only this computer (in personal mode the default); 0.0.0.0, every "
        "network interface (in shared and public mode, see WBCSEG_MODE)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")


def run_command(options: argparse.Namespace) -> int:
    """Run the command until it is interrupted; the exit code is Streamlit's."""
    if importlib.util.find_spec("streamlit") is None or importlib.util.find_spec("plotly") is None:
        raise ConfigError('The web app needs Streamlit and Plotly. Install them with: pip install "wbcseg[app]"')
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"Option --port must be from 1 to 65535. Received: {options.port}")
    try:
        mode, _ = get_mode(), get_limits()
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if mode == "personal" and options.address not in (None, *LOCAL_ADDRESSES):
        print("Anyone who reaches this computer can open the app. Set WBCSEG_MODE=shared or public for others.")
    return subprocess.call(build_command(options))


def build_command(options: argparse.Namespace) -> list[str]:
    """Return the command line that starts Streamlit with this app."""
    address = options.address or ("localhost" if get_mode() == "personal" else "0.0.0.0")
    return [
        *(sys.executable, "-m", "streamlit", "run", str(paths.get_app_script())),
        *("--server.port", str(options.port), "--server.address", address),
        *("--server.headless", "true" if options.no_browser else "false"),
    ]
