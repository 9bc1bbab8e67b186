"""Resolves the conflicts of random rooms with Synapse's own functions.

Reads one room a line from standard input, in the form of exportRoom in test/harness/random-room.ts, and writes one line
for each: the resolved states as lists of [type, state_key, event_id], and the event ids where Synapse calculates others.
Needs matrix-synapse from PyPI.
"""

import json
import sys

import synapse.event_auth  # noqa: F401  It and synapse.state import each other, and only this order works.
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, StateResolutionVersions
from synapse.events import make_event_from_dict
from synapse.state import v1, v2


class Clock:
    async def sleep(self, _duration):
        return None


class Difference:
    def __init__(self):
        self.auth_difference = set()
        self.conflicted_subgraph = set()


class Store:
    """A database that holds nothing: all events are given as not yet stored, so Synapse walks them itself."""

    async def get_events(self, event_ids, allow_rejected=False):
        return {}

    async def get_auth_chain_difference(self, room_id, state_sets, conflicted_state, additional):
        return Difference()


def run(coroutine):
    """Runs a coroutine that waits for nothing."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


async def no_events(event_ids):
    return {}


def resolve(version, room_id, sets, events):
    if version.state_res == StateResolutionVersions.V1:
        return run(v1.resolve_events_with_store(room_id, version, sets, dict(events), no_events))
    return run(v2.resolve_events_with_store(Clock(), room_id, version, sets, dict(events), Store()))


def main():
    for line in sys.stdin:
        room = json.loads(line)
        version = KNOWN_ROOM_VERSIONS[room["version"]]
        events = {}
        other_ids = []
        rejected = set(room["rejected"])
        for entry in room["events"]:
            reason = "auth_error" if entry["event_id"] in rejected else None
            event = make_event_from_dict(entry["pdu"], version, rejected_reason=reason)
            if event.event_id != entry["event_id"]:
                other_ids.append([entry["event_id"], event.event_id])
            events[event.event_id] = event
        answers = []
        for conflict in room["conflicts"]:
            sets = [{(kind, key): event_id for kind, key, event_id in entries} for entries in conflict]
            resolved = resolve(version, room["room_id"], sets, events)
            answers.append([[kind, key, event_id] for (kind, key), event_id in resolved.items()])
        print(json.dumps({"seed": room["seed"], "resolved": answers, "other_ids": other_ids}), flush=True)


main()
