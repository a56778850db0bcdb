#!/usr/bin/env python3
"""unforeseen.py TAGWARDEN SHARED: puts attacks of unforeseen_kinds.py and unforeseen_tags.py into two companies and ranks them."""
import collections
import datetime
import functools
import json
import random
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import unforeseen_tags
from unforeseen_company import without_incidents
from unforeseen_kinds import GROUPS

TAGWARDEN, SHARED = sys.argv[1], Path(sys.argv[2])
sys.path.insert(0, str(SHARED / "bench"))
import score_alerts  # noqa: E402

TRIES = 4
DROPPED = ("resources", "additionalEventData", "tlsDetails", "sharedEventID")


def people_and_programs(events, start, labelled):
    """Writes by sessions and users after `start` that belong to nothing labelled: whose place an attack takes."""
    for event in events:
        identity = event["userIdentity"]
        known = identity.get("type") == "IAMUser" or "@" in identity.get("arn", "")
        if event["eventTime"] >= start and known and not (event.get("readOnly") or event.get("errorCode") or event["eventID"] in labelled):
            yield event


def attack(host, calls, chance):
    """The calls, one after the other, by whoever made `host`, from there and with that program."""
    time = datetime.datetime.strptime(host["eventTime"], "%Y-%m-%dT%H:%M:%SZ")
    for service, name, request, response in calls:
        time += datetime.timedelta(seconds=chance.randint(20, 70))
        yield {
            **{key: value for key, value in host.items() if key not in DROPPED},
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": service + ".amazonaws.com",
            "eventName": name,
            "requestParameters": request,
            "responseElements": response,
            "readOnly": name.startswith("Get"),
            "eventID": str(uuid.UUID(int=chance.getrandbits(128))),
            "requestID": str(uuid.UUID(int=chance.getrandbits(128))),
        }


def inserted(company, chance, kinds):
    """A company's events with one attack of each kind in the place of its own incidents, the truth, and the first day that counts."""
    events, truth, labelled, start = without_incidents(company)
    hosts = list(people_and_programs(events, start, labelled))
    some = lambda length: "".join(chance.choice("0123456789abcdef") for _ in range(length))
    for kind in kinds("1", "r", some):
        host = chance.choice(hosts)
        calls = kinds(host.get("recipientAccountId") or host["userIdentity"]["accountId"], host["awsRegion"], some)[kind]
        for event in attack(host, calls, chance):
            events.append(event)
            truth.append({"event_id": event["eventID"], "incident": kind, "scenario": kind, "malicious": True})
    return events, truth, start


def judged(company, events, truth, start, temp):
    """How well the attacks are found, and by kind their places."""
    events.sort(key=lambda event: event["eventTime"])
    paths = [temp / name for name in ("events.ndjson", "truth.ndjson", "scores.ndjson")]
    for path, lines in zip(paths, (events, truth)):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [TAGWARDEN, "evaluate", "--events", paths[0], "--truth", paths[1], "--train-until", start]
    command += ["--inventory", company / "inventory.json", "--scores", paths[2]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scores = [json.loads(line) for line in paths[2].open()]
    begins = score_alerts.epoch(start + "T00:00:00Z")
    return score_alerts.score(truth, scores, score_alerts.load_events(paths[0]), begins), places(truth, scores)


def places(truth, scores):
    """By kind, how many events of its day score higher than the attack's highest."""
    kind_of = {line["event_id"]: line["scenario"] for line in truth if line["malicious"]}
    days = collections.defaultdict(list)
    for line in scores:
        days[line["time"][:10]].append(line)
    best = {}
    for day in days.values():
        day.sort(key=lambda line: -line["score"])
        for place, line in enumerate(day):
            kind = kind_of.get(line["event_id"])
            if kind is not None:
                best[kind] = min(place, best.get(kind, place))
    return best


def main():
    groups = {name: functools.partial(inserted, kinds=kinds) for name, kinds in GROUPS.items()}
    for group, insert in {**groups, "tags": unforeseen_tags.inserted}.items():
        results, by_kind = [], collections.defaultdict(list)
        for world in (1, 2):
            for attempt in range(TRIES // 2):
                with tempfile.TemporaryDirectory() as temp:
                    chance, company = random.Random(f"{group} {world} {attempt}"), SHARED / f"data/worlds/{world}"
                    result, best = judged(company, *insert(company, chance), Path(temp))
                results.append(result)
                for kind, place in best.items():
                    by_kind[kind].append(place)
        recall = score_alerts.pool(results)["recall"]
        print(f"{group}: {len(by_kind)} kinds, {TRIES} times each; recall at 5 / 10 / 20 groups a day:", end=" ")
        print(" / ".join(f"{recall[str(groups)]:.2f}" for groups in (5, 10, 20)))
        print("  events of the day that score higher:")
        for kind, found in sorted(by_kind.items(), key=lambda item: sorted(item[1])[TRIES // 2]):
            print(f"    {kind:28} {' '.join(f'{place:5}' for place in sorted(found))}")


main()
