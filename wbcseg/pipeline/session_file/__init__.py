"""Session files: the results of many images with everything that a person did, in one zip of JSON and images."""

from wbcseg.pipeline.session_file.read import SessionArchive, read_session
from wbcseg.pipeline.session_file.records import Session, SessionCell, SessionImage, SessionSettings
from wbcseg.pipeline.session_file.restore import build_results, list_inputs, read_edits
from wbcseg.pipeline.session_file.write import SESSION_FILE, Content, ImageState, write_session

__all__ = [
    "SESSION_FILE",
    "Content",
    "ImageState",
    "Session",
    "SessionArchive",
    "SessionCell",
    "SessionImage",
    "SessionSettings",
    "build_results",
    "list_inputs",
    "read_edits",
    "read_session",
    "write_session",
]
