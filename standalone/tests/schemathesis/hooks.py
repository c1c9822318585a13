"""What a description cannot say: which names exist, and which parameters stand instead of others.

Good requests meet a conversation that exists, made for them alone, so that operations succeed however many others erase
something meanwhile. Bad requests are left as they are. Every answer is counted by operation and status.
"""

import atexit
import itertools
import json
import os
import time
from collections import Counter, defaultdict

import requests
import schemathesis

ORIGIN = os.environ["RECAP_ORIGIN"]
KEY = {"X-API-Key": os.environ["RECAP_KEY"]}
USER = "schemathesis"
numbers = itertools.count(1)
seen: dict[str, Counter] = defaultdict(Counter)


def make(conversation: str) -> None:
    messages = [{"content": "Can you send the report by Friday?"}, {"content": "I will send it."}]
    body = {"conversation_id": conversation, "user_id": USER, "messages": messages}
    requests.post(f"{ORIGIN}/chats", json=body, headers=KEY, timeout=60).raise_for_status()


def summarize(conversation: str) -> None:
    body = {"conversation_id": conversation}
    requests.post(f"{ORIGIN}/chats/summarize", json=body, headers=KEY, timeout=60).raise_for_status()


def exported() -> str:
    """A user whom nobody erases, once there is something to be exported."""
    user = "schemathesis-exported"
    body = {"conversation_id": user, "user_id": user, "messages": [{"content": "Here.", "message_id": "1"}]}
    requests.post(f"{ORIGIN}/chats", json=body, headers=KEY, timeout=60).raise_for_status()
    until = time.monotonic() + 60
    while requests.get(f"{ORIGIN}/users/{user}/export", headers=KEY, timeout=60).status_code == 404:
        assert time.monotonic() < until, "it is not in the views"
        time.sleep(0.05)
    return user


def is_good(case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def one_way_to_page(query: dict) -> None:
    """A cursor is the server's own, and one way to page stands instead of the others."""
    query.pop("cursor", None)
    if "around_seq" in query:
        query["around_seq"] = 1
        for other in ("page", "since", "until"):
            query.pop(other, None)
    for first, last in (("since", "until"), ("start_date", "end_date")):
        if first in query:
            query.pop(last, None)


@schemathesis.hook
def before_call(context, case, kwargs):
    path = case.operation.path
    if not is_good(case):
        return
    one_way_to_page(case.query or {})
    named = f"schemathesis-{next(numbers)}"
    if path == "/chats/summarize" and case.method != "POST":
        make("summarize")
    elif "{conversation_id}" in path:
        make(named)
        if "/summar" in path:
            summarize(named)
        case.path_parameters["conversation_id"] = named
    elif "conversation_id" in (case.body if isinstance(case.body, dict) else {}):
        if path == "/chats/summarize":
            make(named)
        case.body["conversation_id"] = named
    parameters = case.path_parameters or {}
    for name, value in (("seq", 1), ("user_id", USER), ("name", "docs.js")):
        if name in parameters:
            parameters[name] = value
    if path.endswith("/export"):
        parameters["user_id"] = exported()
    if path.endswith("/erasure"):
        requests.delete(f"{ORIGIN}/users/{USER}", headers=KEY, timeout=60).raise_for_status()


@schemathesis.hook
def after_call(context, case, response):
    seen[f"{case.method} {case.operation.path}"][response.status_code] += 1


@atexit.register
def write() -> None:
    with open(os.environ["RECAP_SEEN"], "w", encoding="utf-8") as file:
        json.dump({operation: dict(sorted(counts.items())) for operation, counts in sorted(seen.items())}, file)
