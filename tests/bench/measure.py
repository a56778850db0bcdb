#!/usr/bin/env python3
"""measure.py TAGWARDEN SHARED WORK: every job three times, in turn, on one core; prints a table of medians.

CPU is user and system time of the whole process, from start to end; WORK holds what tests/bench/run prepared."""
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

RUNS = 3
EVENTS = 200_000


def jobs(tagwarden, shared, work):
    """Name and command of each job; `{out}` is an empty folder."""
    sigma = ["--rules", str(shared / "data/sigma/rules")]
    events, writes = str(work / "events.ndjson"), str(work / "writes.ndjson")
    python = str(work / "venv/bin/python")
    model = ["--model", str(Path(__file__).parents[2] / "models/simulated/model.bin")]

    def ours(path, *options):
        places = ["--archive", "{out}/archive", "--state", "{out}/state.db", "--until-end", "--json"]
        return [tagwarden, "run", "--input", path, *places, *options]

    return {
        "no rules": ours(events, "--no-rules"),
        "no rules, reads archived": ours(events, "--no-rules", "--archive-read-only"),
        "57 Sigma rules": ours(events, *sigma),
        "57 Sigma rules, reads archived": ours(events, *sigma, "--archive-read-only"),
        "shipped rules": ours(events),
        "writes, shipped rules, inventory": ours(writes, "--inventory", str(work / "inventory.json")),
        "shipped rules, model, reads archived": ours(events, "--archive-read-only", *model),
        "writes, shipped rules, inventory, model": ours(writes, "--inventory", str(work / "inventory.json"), *model),
        "DuckDB, typed NDJSON to Parquet": [python, str(shared / "bench/duck.py"), "typed", events, "{out}/duck.parquet"],
        "Python json loop, 14 fields": [python, str(shared / "bench/py_flat.py"), "json", events, "{out}/flat.ndjson"],
    }


def train(tagwarden, work):
    """CPU seconds per million changes, learning from an archive of the writes."""
    past, inventory = work / "past", ["--inventory", str(work / "inventory.json")]
    places = ["--archive", str(past / "archive"), "--state", str(past / "state.db"), "--until-end"]
    measure([tagwarden, "run", "--input", str(work / "writes.ndjson"), *places, *inventory], past)
    columns = "SELECT min(dt)::DATE, max(dt)::DATE + 1, count(*) FROM read_parquet('{}/archive/changes/*/*.parquet')"
    query = f"import duckdb; print(*duckdb.sql({columns.format(past)!r}).fetchone())"
    first, end, changes = subprocess.check_output([work / "venv/bin/python", "-c", query], text=True).split()
    command = [tagwarden, "train", "--archive", str(past / "archive"), "--from", first, "--to", end, "--out", "{out}/model"]
    runs = [measure([*command, *inventory], work / "out") for _ in range(RUNS)]
    shutil.rmtree(past)
    cpu, memory = zip(*runs)
    return statistics.median(cpu) * EVENTS / int(changes), statistics.median(memory), int(changes)


def measure(command, out):
    """CPU seconds per million events and peak RSS in MiB of one run."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [part.replace("{out}", str(out)) for part in command]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"measure: found exit code {process.returncode} of {' '.join(command)}, wanted 0")
    return (usage.ru_utime + usage.ru_stime) / EVENTS * 1e6, usage.ru_maxrss / 1024


def main():
    tagwarden, shared, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = {name: [] for name in jobs(tagwarden, shared, work)}
    for _ in range(RUNS):
        for name, command in jobs(tagwarden, shared, work).items():
            found[name].append(measure(command, work / "out"))
    seconds, peak, changes = train(tagwarden, work)
    shutil.rmtree(work / "out")
    print("| job | CPU s / million events | least | peak RSS MiB |\n|---|---|---|---|")
    for name, runs in found.items():
        cpu, memory = zip(*runs)
        print(f"| {name} | {statistics.median(cpu):.1f} | {min(cpu):.1f} | {statistics.median(memory):.0f} |")
    print(f"\ntrain on {changes} changes: {seconds:.1f} CPU s per million changes, peak {peak:.0f} MiB")
    print(f"load at the end: {os.getloadavg()[0]:.1f}")


main()
