"""Addresses of uploads survive the start of a run."""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from wbcseg.ui.server.upload_addresses import keep_addresses


def test_an_address_is_still_sent_when_a_run_begins(monkeypatch):
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    keep_addresses()
    keep_addresses()
    queue = ForwardMsgQueue()
    address, other = ForwardMsg(), ForwardMsg()
    address.file_urls_response.response_id = "1"
    other.delta.new_element.text.body = "of the last run"
    for message in (other, address):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    assert [message.file_urls_response.response_id for message in queue.flush()] == ["1"]
    assert queue.is_empty()
