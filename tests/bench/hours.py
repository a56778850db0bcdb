#!/usr/bin/env python3
"""hours.py TAGWARDEN SHARED: trains on whole companies, with and without their incidents; says how many of the odd hours of
actors are an incident's, and how many incidents are among them."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TAGWARDEN, SHARED = sys.argv[1], Path(sys.argv[2])


def run(*arguments):
    done = subprocess.run([TAGWARDEN, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.splitlines()


def where(row):
    """Who acts, without session and account, and in which hour."""
    arn = (row["actor_arn"] or "").split(":")[-1]
    if arn.startswith("assumed-role/"):
        arn = arn.rpartition("/")[0]
    return row["actor_human"] or arn or row["actor_session"] or row["user_agent"], row["event_time"][:13]


def figures(company, events, temp):
    """One company's sums."""
    inventory = ("--inventory", company / "inventory.json")
    archive = ("--archive", temp / "archive")
    run("run", "--input", events, *inventory, *archive, "--state", temp / "state", "--until-end", "--clock", "event")
    hour_of = {row["event_id"]: where(row) for row in map(json.loads, run("judge", events, *inventory))}
    truth = [json.loads(line) for line in (company / "truth.ndjson").open()]
    acts = {}
    for line in truth:
        acts.setdefault(hour_of.get(line["event_id"]), set()).add((line["malicious"], line["incident"]))

    def farthest(*options):
        run("train", *archive, "--days", "366", *inventory, "--out", temp / "model", *options)
        odd = json.loads((temp / "model/card.json").read_text())["odd_hours"]
        return odd, [acts.get(hour_of.get(hour["first_event"]), set()) for hour in odd["farthest"]]

    def incidents(hours):
        return {name for hour in hours for malicious, name in hour if malicious}

    (plain, found), (_, left) = farthest(), farthest("--exclude", company / "truth.ndjson")
    sums = {"hours": plain["hours"], "incidents": len({line["incident"] for line in truth if line["malicious"]}),
            "noise": plain["noise"], "incidents among the noise once they are excluded": len(incidents(left))}
    for most in (5, 20, 100):
        top = found[:most]
        of_incident = sum(any(malicious for malicious, _ in hour) for hour in top)
        named = f"the farthest {most}: "
        sums |= {named + "hours": len(top), named + "of an incident": of_incident,
                 named + "of a benign twin": sum(map(bool, top)) - of_incident,
                 named + "incidents found": len(incidents(top))}
    return sums


def show(title, companies):
    totals = {}
    for company in companies:
        for name, value in company.items():
            totals[name] = totals.get(name, 0) + value
    print(title, *(f"  {name}: {value}" for name, value in totals.items()), sep="\n", flush=True)


def outside(world):
    company = SHARED / "data/worlds" / str(world)
    with tempfile.TemporaryDirectory() as temp:
        return figures(company, company / "events.ndjson.gz", Path(temp))


def simulated(seed):
    with tempfile.TemporaryDirectory() as temp:
        company = Path(temp) / "company"
        run("simulate", "--days", "45", "--seed", str(seed), "--out", company)
        return figures(company, company / "events", Path(temp))


show("four outside companies", map(outside, (1, 2, 3, 4)))
show("ten simulated companies, seeds 0 to 9", map(simulated, range(10)))
