"""Keeps the addresses of uploads that a new run of a page would drop.

The browser asks for an address before it sends a file. Streamlit (1.67) clears the messages that wait to be sent when a
run begins (``ForwardMsgQueue.clear``), the answer among them, and the file is then never sent.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

ANSWER = "file_urls_response"


def keep_addresses() -> None:
    """Let queues of messages keep the answers to the browser's questions when they are cleared for a run."""
    clear = ForwardMsgQueue.clear
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def clear_but_answers(
        queue: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        answers = [message for message in queue._queue if message.WhichOneof("type") == ANSWER]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        # Without lifecycle messages, the queue was sent.
        if retain_lifecycle_msgs:
            queue._queue += [message for message in answers if message not in queue._queue]

    ForwardMsgQueue.clear = clear_but_answers  # type: ignore[method-assign, assignment]
