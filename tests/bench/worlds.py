#!/usr/bin/env python3
"""worlds.py TAGWARDEN SHARED: evaluates on every outside company and on ten simulated ones; prints what is pooled."""
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TAGWARDEN, SHARED = sys.argv[1], Path(sys.argv[2])
sys.path.insert(0, str(SHARED / "bench"))
import score_alerts  # noqa: E402


def lines(events):
    """Every record under `events`, a file or a folder of log files."""
    for path in sorted(p for p in events.rglob("*") if p.is_file()) if events.is_dir() else [events]:
        with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
            text = file.read()
        if text.startswith('{"Records"'):
            yield from json.loads(text)["Records"]
        else:
            yield from (json.loads(line) for line in text.splitlines() if line)


def judged(folder, events, *options):
    """One company's figures, as the outside judge has them, and as we have them."""
    start = json.loads((folder / "spec.json").read_text())["test_start"]
    truth = folder / "truth.ndjson"
    with tempfile.NamedTemporaryFile() as scores:
        command = [TAGWARDEN, "evaluate", "--events", events, "--truth", truth, "--train-until", start, "--json"]
        command += ["--inventory", folder / "inventory.json", "--scores", scores.name, *options]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        alerts = [json.loads(line) for line in open(scores.name)]
    when = [(e["eventID"], score_alerts.epoch(e["eventTime"]), score_alerts.actor(e)) for e in lines(events)]
    midnight = score_alerts.epoch(f"{start}T00:00:00Z")
    figures = score_alerts.score(list(score_alerts.lines(truth)), alerts, when, midnight)
    return figures, json.loads(done.stdout.splitlines()[-1])


def show(title, companies):
    figures, ours = zip(*companies)
    pooled = score_alerts.pool(figures)
    of, first, three = (sum(o["explanation_hits"][name] for o in ours) for name in ("of", "hits", "hits_in_three"))
    print(f"{title}\n{score_alerts.text(pooled)}")
    found = [sum(scenario["10"]["found"] for scenario in o["per_scenario"].values()) for o in ours]
    soon = [o["time_to_detect"]["at_10_a_day"]["at_first_change"] for o in ours]
    change = sum(n * share for n, share in zip(found, soon)) / sum(found)
    event = pooled["time_to_detect"]["at_10_a_day"]["at_first_event"]
    print(f"told of at ten groups a day: {event:.2f} at the first event, {change:.2f} at the first that changes something")
    print(f"first reason unlike the twins': {first} of {of}; one of the first three: {three}\n", flush=True)


outside = [SHARED / "data/worlds" / str(world) for world in (1, 2, 3, 4)]
for title, options in (("four outside companies", []), ("the same without rules", ["--no-rules"])):
    show(title, [judged(folder, folder / "events.ndjson.gz", *options) for folder in outside])
with tempfile.TemporaryDirectory() as temp:
    simulated = [Path(temp) / str(seed) for seed in range(10, 20)]
    for folder in simulated:
        command = [TAGWARDEN, "simulate", "--days", "45", "--seed", folder.name, "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    show("ten simulated companies, seeds 10 to 19", [judged(folder, folder / "events") for folder in simulated])
