"""Checks against outside data: real CloudTrail, tag samples, notices, simulated companies by another hand.

usage: outside.py SHARED TAGWARDEN EXAMPLES
"""
import collections
import glob
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent / "bench"))
import told  # noqa: E402

SHARED, TAGWARDEN, EXAMPLES = sys.argv[1:4]
DATA = os.path.join(SHARED, "data")
failures = []


def check(what, found, wanted):
    good = wanted(found) if callable(wanted) else found == wanted
    print(f"{'ok  ' if good else 'FAIL'} {what}: {found}" + ("" if good or callable(wanted) else f", wanted {wanted}"))
    if not good:
        failures.append(what)


def run(temp, events, *more):
    archive = os.path.join(temp, "archive")
    command = [TAGWARDEN, "run", "--input", events, "--archive", archive, "--state", os.path.join(temp, "state.db"), "--until-end", "--json", *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
    report = json.loads(done.stdout.splitlines()[-1])
    fates = sum(report[k] for k in ("archived", "read_only", "quarantined", "duplicate"))
    check("  pulled = archived + read_only + quarantined + duplicate", fates, report["pulled"])
    return report, f"read_parquet('{archive}/changes/*/*.parquet', hive_partitioning=true)"


def judge(events, *more):
    done = subprocess.run([TAGWARDEN, "judge", events, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def real_events():
    print("real CloudTrail")
    with tempfile.TemporaryDirectory() as temp:
        report, rows = run(temp, f"{DATA}/cloudtrail/invictus", "--archive-read-only")
        check("  invictus: events pulled", report["pulled"], 2900)
        check("  invictus: events archived", report["archived"], 2900)
        check("  invictus: event ids in the archive", duckdb.sql(f"select count(distinct event_id) from {rows}").fetchone()[0], 2900)


def generic_share():
    print("share of mutating events that no table knows")
    mutating, generic = collections.Counter(), collections.Counter()
    sets = {"cloudtrail": f"{DATA}/cloudtrail"} | {f"world {w}": f"{DATA}/worlds/{w}/events.ndjson.gz" for w in (1, 2)}
    for name, path in sets.items():
        for row in judge(path, "--no-rules")[0]:
            if not row["read_only"] and row["change_id"].endswith(".0"):
                mutating[name] += 1
                generic[name] += row["change_kind"] == "other_change"
        check(f"  {name}: share of {mutating[name]}", round(generic[name] / mutating[name], 4), lambda share: share <= 0.10)


def sigma_rules():
    print("SigmaHQ's rules for CloudTrail")
    with tempfile.TemporaryDirectory() as temp:
        events = os.path.join(temp, "events.ndjson")
        subprocess.run([sys.executable, f"{SHARED}/bench/make_events.py", f"{DATA}/cloudtrail", events, "200000"], check=True, stdout=subprocess.DEVNULL)
        command = [os.path.join(EXAMPLES, "count_matches"), f"{DATA}/sigma/rules", events]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print("  " + done.stdout.strip().replace("\n", "\n  "))
        check("  matches on 200,000 real events, as rsigma finds them", "11788 matches" in done.stdout.replace(",", ""), True)


# What the samples say, and we read otherwise; the reason is printed.
ARGUED = {
    "tag_change_on_resource_noncompliant": "no time in the event: quarantine (promise 6)",
    "ec2_deletetags_key_only_fragment": "no source, id or time: quarantine (promise 6)",
    "ec2_createtags_denied_fragment": "no source or id: quarantine (promise 6)",
}


def tag_samples():
    print("tag change samples")
    counted = collections.Counter()
    for line in open(f"{DATA}/tags/tag_change_samples.jsonl"):
        case = json.loads(line)
        wanted = case["expected_normalised"]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(case["sample"], file)
            file.flush()
            rows, rejects = judge(file.name, "--no-rules")
        if not rows:
            reason = ARGUED.get(case["name"])
            check(f"  {case['name']}: refused, {reason}; it says: {rejects.strip().split(': ', 1)[-1]}", reason is not None, True)
            counted["argued"] += 1
            continue
        if wanted is None:
            check(f"  {case['name']}: a tag change", all(r["change_kind"] == "tags_changed" and r["tags"] for r in rows), True)
            counted["without an expected result"] += 1
            continue
        deltas = [t for r in rows for t in r["tags"]]
        found = {
            "resources": [r["resource_arn"] if w.startswith("arn:") else r["resource_id"] for r, w in zip(rows, wanted["resources"])],
            "tags_set": {t["key"]: t["new"] for t in deltas if t["op"] != "removed"},
            "tag_keys_removed": sorted(t["key"] for t in deltas if t["op"] == "removed"),
            "changes": len(rows),
        }
        expected = {
            "resources": wanted["resources"],
            "tags_set": wanted.get("tags_set", {}),
            "tag_keys_removed": sorted(wanted.get("tag_keys_removed", [])),
            "changes": len(wanted["resources"]),
        }
        if wanted["operation"] == "state":
            found["tags_set"] = {k: v for k, v in found["tags_set"].items() if k in expected["tags_set"]}
        check(f"  {case['name']}", found, expected)
        counted["compared"] += 1
    print("  " + ", ".join(f"{n} {what}" for what, n in counted.items()))


def notices():
    print("notices of new objects")
    for path in sorted(glob.glob(f"{DATA}/envelopes/*.json")):
        done = subprocess.run([os.path.join(EXAMPLES, "notices"), path], stdout=subprocess.PIPE, text=True)
        print(f"  {os.path.basename(path)}: {done.stdout.strip()}")
        good = "created" in path or "urlencoded" in path or path.endswith(("sns-s3-event.json", "sqs-s3-event.json", "sqs-sns-event.json", "garbage.json"))
        refused = "annotation" in path or "unsupported" in path
        check("    names an object", "s3://" in done.stdout, good and not refused)


def quiet_days():
    print("Slack messages on days without an attack, as if live")
    for world in (1, 2):
        company = told.watched(TAGWARDEN, Path(DATA) / "worlds" / str(world))
        messages, calm = company["messages"], told.calm(company)
        of, at_once, _ = told.told(how for story, how in company["stories"].items() if story[0])
        print(f"  world {world}: incidents told at once {at_once} of {of}, most on any day {max(messages.values())}")
        print(f"  world {world}: " + " ".join(f"{day[5:]}:{n}{'!' if day in company['attacked'] else ''}" for day, n in messages.items()))
        check(f"  world {world}: most on one of {len(calm)} calm days (mean {sum(calm) / len(calm):.1f})", max(calm), lambda n: n <= 10)
        check(f"  world {world}: the first day, nothing learned", messages[min(messages)], lambda n: n <= 10)


def same(found, wanted):
    """Numbers within 1e-9, and everything that `wanted` has; what there is none of may be NaN there."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(same(found.get(str(k)), v) for k, v in wanted.items())
    if wanted is None or (isinstance(wanted, float) and math.isnan(wanted)):
        return found is None
    return found is not None and abs(found - wanted) <= 1e-9


def detection():
    print("incidents found in companies simulated by another hand, and our figures beside those of their judge")
    spec = importlib.util.spec_from_file_location("score_alerts", f"{SHARED}/bench/score_alerts.py")
    judge_of_alerts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge_of_alerts)
    for world in (1, 2):
        folder = f"{DATA}/worlds/{world}"
        start = json.load(open(f"{folder}/spec.json"))["test_start"]
        with tempfile.TemporaryDirectory() as temp:
            scores = os.path.join(temp, "scores.ndjson")
            command = [TAGWARDEN, "evaluate", "--events", f"{folder}/events.ndjson.gz", "--truth", f"{folder}/truth.ndjson", "--train-until", start, "--inventory", f"{folder}/inventory.json", "--scores", scores]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
            alerts = list(judge_of_alerts.lines(scores))
        text, ours = done.stdout.rstrip().rsplit("\n", 1)
        print(f"  world {world}\n    " + text.strip().replace("\n", "\n    "))
        ours = json.loads(ours)
        truth, events = list(judge_of_alerts.lines(f"{folder}/truth.ndjson")), judge_of_alerts.load_events(f"{folder}/events.ndjson.gz")
        theirs = judge_of_alerts.score(truth, alerts, events, judge_of_alerts.epoch(f"{start}T00:00:00Z"))
        check(f"  world {world}: events judged, of those at or after the start", ours["events"], theirs["alerts"])
        wilson = lambda found, of: dict(zip(("found", "of", "low", "high"), (found, of, *judge_of_alerts.wilson(found, of))))
        theirs["per_scenario"] = {name: {b: wilson(*c) for b, c in by.items()} for name, by in theirs["per_scenario"].items()}
        del theirs["alerts"]
        for name, wanted in theirs.items():
            check(f"  world {world}: {name} as their judge has it", same(ours.get(name), wanted), True)


for part in (real_events, generic_share, tag_samples, notices, sigma_rules, detection, quiet_days):
    part()
print(f"{len(failures)} failed" + (": " + "; ".join(failures) if failures else ""))
sys.exit(bool(failures))
