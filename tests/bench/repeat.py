#!/usr/bin/env python3
"""repeat.py FILE N: the events of an NDJSON file over and over with new ids, N in all, to standard output."""
import re
import sys

ID = re.compile(rb'"eventID":"[0-9a-f-]{36}"')


def main():
    with open(sys.argv[1], "rb") as file:
        parts = [ID.split(line, maxsplit=1) for line in file]
    out, wanted = sys.stdout.buffer, int(sys.argv[2])
    for first in range(0, wanted, len(parts)):
        batch = []
        for number, (before, after) in enumerate(parts[: wanted - first], first):
            batch.append(b'%b"eventID":"%08x-0000-4000-8000-%012x"%b' % (before, number, number * 2654435761 % (1 << 48), after))
        out.write(b"".join(batch))


main()
