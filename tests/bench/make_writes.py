#!/usr/bin/env python3
"""make_writes.py WORLDS OUT N: the writes of the simulated worlds 1 and 2, repeated with new ids until N, as NDJSON.

Beside OUT it writes OUT.inventory.json: what both worlds' operators know, in one."""
import gzip
import json
import random
import sys
import uuid
from pathlib import Path


def merge(ours, theirs):
    """Objects member by member, lists one behind the other; of two plain values or of one name the first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        both = {key: merge(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()}
        return {**theirs, **ours, **both}
    if isinstance(ours, list) and isinstance(theirs, list):
        names = {item["name"] for item in ours if isinstance(item, dict) and "name" in item}
        return ours + [item for item in theirs if item not in ours and not (isinstance(item, dict) and item.get("name") in names)]
    return ours


def main():
    worlds, out, wanted = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    writes, inventory = [], {}
    for world in ("1", "2"):
        with gzip.open(worlds / world / "events.ndjson.gz", "rt") as lines:
            events = (json.loads(line) for line in lines)
            writes += [event for event in events if event.get("readOnly") is False]
        inventory = merge(inventory, json.loads((worlds / world / "inventory.json").read_text()))
    if not writes:
        sys.exit(f"make_writes: found no event with `readOnly: false` under {worlds}, wanted some")
    ids = random.Random(1)
    with open(out, "w") as file:
        for number in range(wanted):
            event = writes[number % len(writes)]
            event["eventID"] = str(uuid.UUID(int=ids.getrandbits(128), version=4))
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    Path(f"{out}.inventory.json").write_text(json.dumps(inventory))
    print(f"{len(writes)} writes, repeated to {wanted}")


main()
