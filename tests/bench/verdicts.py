#!/usr/bin/env python3
"""verdicts.py TAGWARDEN SHARED: judges later days with and without what verdicts on earlier alerts taught."""
import datetime
import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

TAGWARDEN, SHARED = sys.argv[1], Path(sys.argv[2])
sys.path.insert(0, str(SHARED / "bench"))
import score_alerts  # noqa: E402

FIRST, UNTIL = (datetime.date(2026, 1, 5) + datetime.timedelta(days) for days in (0, 90))


def run(*command):
    return subprocess.run([TAGWARDEN, *map(str, command)], check=True, capture_output=True, text=True)


def judge_alerts(folder, truth):
    """Gives each alert from before the end the verdict that the truth says."""
    with sqlite3.connect(folder / "state.db") as db:
        sql = "SELECT g.opener, c.offer ->> '$.event_id' FROM alert_group g JOIN alert_change c ON c.group_id = g.id " \
              "WHERE g.first < ?"
        found = {}
        for alert, event in db.execute(sql, [score_alerts.epoch(f"{UNTIL}T00:00:00Z") * 1000]):
            verdict = {True: "true_positive", False: "expected", None: "benign"}[truth.get(event)]
            found[alert] = max(found.get(alert, ""), verdict)
    for alert, verdict in found.items():
        run("verdict", alert, verdict, "--by", "truth", "--state", folder / "state.db")


def company(folder):
    """The later days' figures without verdicts and with them."""
    run("simulate", "--days", 120, "--seed", folder.name, "--out", folder)
    lines = list(score_alerts.lines(folder / "truth.ndjson"))
    (folder / "tagwarden.toml").write_text('[input]\nclock = "event"\n')
    known = ["--inventory", folder / "inventory.json", "-c", folder / "tagwarden.toml"]
    run("run", "--input", folder / "events", "--archive", folder / "archive", "--state", folder / "state.db", "--until-end",
        "--archive-read-only", *known)
    judge_alerts(folder, {line["event_id"]: line["malicious"] for line in lines})
    (folder / "incidents").write_text(run("verdicts", "--event-ids", "--state", folder / "state.db").stdout)
    events = [json.loads(line) for path in sorted((folder / "events").iterdir()) for line in gzip.open(path, "rt")]
    when = [(e["eventID"], score_alerts.epoch(e["eventTime"]), score_alerts.actor(e)) for e in events]
    figures = []
    for learns in (["--exclude", folder / "incidents"], ["--verdicts", folder / "state.db"]):
        told = run("train", "--archive", folder / "archive", "--from", FIRST, "--to", UNTIL, "--out", folder, *known, *learns)
        run("evaluate", "--events", folder / "events", "--truth", folder / "truth.ndjson", "--train-until", UNTIL,
            "--model", folder / "model.bin", "--scores", folder / "scores", "--json", *known)
        alerts = [json.loads(line) for line in open(folder / "scores")]
        figures.append(score_alerts.score(lines, alerts, when, score_alerts.epoch(f"{UNTIL}T00:00:00Z")))
    print(f"seed {folder.name}, {told.stderr.splitlines()[-1]}", flush=True)
    return figures


with tempfile.TemporaryDirectory() as temp:
    figures = [company(Path(temp) / str(seed)) for seed in range(30, 35)]
for title, of in zip(("without verdicts", "with verdicts"), zip(*figures)):
    for one in (*of, score_alerts.pool(of)):
        rates = [one["recall"].get(b, one["recall"].get(str(b))) for b in (5, 10, 20)]
        false = [one["false_groups_per_10k"][share] for share in ("70", "80", "90")]
        numbers = lambda all, digits: " / ".join("-" if x is None else f"{x:.{digits}f}" for x in all)  # noqa: E731
        print(f"{title:16} {one['incidents']:4} incidents  AP {one['ap']:.3f}  recall at 5/10/20 {numbers(rates, 3)}"
              f"  false groups per 10k at 70/80/90 % {numbers(false, 1)}")
