#!/usr/bin/env python3
"""told.py TAGWARDEN SHARED: replays labelled companies into a scripted Slack; counts what was told at once."""
import collections
import datetime
import gzip
import http.server
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers like a Slack webhook and counts what it got."""

    def __init__(self):
        self.messages = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def lines(path):
    """Every event of a file, or of a folder of files."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        yield from gzip.open(file, "rt")


def watched(tagwarden, company):
    """What people learnt of one company's attacks and look-alikes (None, notify or page), and messages by day."""
    stories, of_event, messages, attacked = {}, {}, {}, set()
    for line in open(company / "truth.ndjson"):
        truth = json.loads(line)
        of_event[truth["event_id"]] = story = truth["malicious"], truth["scenario"], truth["incident"]
        stories[story] = None
    events = next(path for path in (company / "events", company / "events.ndjson.gz") if path.exists())
    for line in lines(events):
        event = json.loads(line)
        messages[event["eventTime"][:10]] = 0
        if of_event.get(event["eventID"], [False])[0]:
            attacked.add(event["eventTime"][:10])
    endpoint = Endpoint()
    with tempfile.TemporaryDirectory() as temp:
        temp = Path(temp)
        webhook = f"http://127.0.0.1:{endpoint.server_port}/hook"
        config = f'[input]\nclock = "event"\n[[destination]]\nname = "slack"\nkind = "slack"\nwebhook_url = "{webhook}"\n'
        (temp / "tagwarden.toml").write_text(config)
        command = [tagwarden, "run", "-c", temp / "tagwarden.toml", "--input", events, "--archive", temp / "archive"]
        command += ["--state", temp / "state.db", "--until-end", "--json", "--inventory", company / "inventory.json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"{company}: exit {done.returncode}: {done.stderr}")
        ledger = sqlite3.connect(temp / "state.db")
        # The clock of a replay is the events', so the ledger knows on which day each left.
        for (sent,) in ledger.execute("select sent from alert_message where status = 'delivered'"):
            day = datetime.datetime.fromtimestamp(sent / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")
            messages[day] = messages.get(day, 0) + 1
        if sum(messages.values()) != endpoint.messages:
            raise SystemExit(f"{company}: the ledger has {sum(messages.values())} messages, the endpoint got {endpoint.messages}")
        # What waits for the day's digest is not told at once.
        offers = ledger.execute(
            "select c.offer, coalesce(g.opener, c.change_id) from alert_change c join alert_fate f using (seq) "
            "join alert_message m on m.id = f.message_id left join alert_group g on g.id = c.group_id "
            "where m.kind in ('opening', 'follow_up') and m.status = 'delivered'"
        )
        alerts = collections.defaultdict(bool)
        for offer, alert in offers:
            offer = json.loads(offer)
            story = of_event.get(offer["event_id"])
            alerts[alert] |= story is not None
            if story and stories[story] != "page":
                stories[story] = offer["disposition"]
        ledger.close()
    return {"stories": stories, "messages": messages, "attacked": attacked, "others": list(alerts.values()).count(False)}


def calm(company):
    """Messages on days without an attack."""
    return [n for day, n in company["messages"].items() if day not in company["attacked"]]


def told(stories):
    """How many there are, were told of at once, and paged."""
    hows = list(stories)
    return len(hows), len(hows) - hows.count(None), hows.count("page")


def show(title, companies):
    stories = [item for company in companies for item in company["stories"].items()]
    print(title)
    for malicious, name in ((True, "attacks"), (False, "look-alikes")):
        of, at_once, paged = told(how for story, how in stories if story[0] is malicious)
        print(f"  {name}: {at_once} of {of} told at once, {paged} of them paged")
    scenarios = {story[1] for story, _ in stories if story[0]}
    by_scenario = {name: told(how for story, how in stories if story[:2] == (True, name)) for name in sorted(scenarios)}
    print("  attacks told: " + ", ".join(f"{name} {at_once}/{of}" for name, (of, at_once, _) in by_scenario.items()))
    print(f"  messages: {max(n for c in companies for n in c['messages'].values())} on any day at most")
    print("  messages on days without an attack, mean of each company: " + ", ".join(f"{sum(calm(c)) / len(calm(c)):.1f}" for c in companies))
    others, days = sum(c["others"] for c in companies), sum(len(c["messages"]) for c in companies)
    print(f"  alerts about neither: {others / days:.1f} a day\n", flush=True)


def main(tagwarden, shared):
    show("four outside companies", [watched(tagwarden, Path(shared) / "data/worlds" / str(world)) for world in (1, 2, 3, 4)])
    with tempfile.TemporaryDirectory() as temp:
        simulated = [Path(temp) / str(seed) for seed in (11, 12, 13, 14)]
        for folder in simulated:
            command = [tagwarden, "simulate", "--days", "30", "--seed", folder.name, "--out", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        show("four simulated months, seeds 11 to 14", [watched(tagwarden, folder) for folder in simulated])


if __name__ == "__main__":
    main(*sys.argv[1:])
