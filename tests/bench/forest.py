"""Times the forest beside its peers, in turns, on the core this is pinned to: forest.py BINARY WORK"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from isotree import IsolationForest as Isotree
from sklearn.ensemble import IsolationForest as Sklearn

ROUNDS, TREES = 3, 100
ROWS, COLUMNS, GROUP_COLUMNS = 100_000, 20, 10
TOLERANCE, MIN_POINTS = 1.2, 5
# At which nearly all rows are core points: the hardest for finding the nearest.
WIDE = 2.0


def data(work):
    """Seeded normal rows: to grow on, to group, and new ones."""
    random = np.random.default_rng(1)
    rows = random.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    group = random.standard_normal((ROWS, GROUP_COLUMNS), dtype=np.float32)
    new = random.standard_normal((10_000, GROUP_COLUMNS), dtype=np.float32)
    for name, values in [("rows", rows), ("group", group), ("new", new)]:
        values.astype("<f4").tofile(work / f"{name}.f32")
    return rows


def cpu(call):
    start = time.thread_time()
    result = call()
    return time.thread_time() - start, result


def sklearn(rows, sample):
    fit, model = cpu(lambda: Sklearn(n_estimators=TREES, max_samples=sample, n_jobs=1, random_state=1).fit(rows))
    return fit, cpu(lambda: model.score_samples(rows))[0]


def isotree(rows, sample):
    model = Isotree(ndim=1, ntrees=TREES, sample_size=sample, nthreads=1, missing_action="fail", random_seed=1)
    fit, model = cpu(lambda: model.fit(rows))
    return fit, cpu(lambda: model.predict(rows))[0]


def ours(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def line(name, ours, sklearn, isotree, want):
    ratios = f"{sklearn / ours:6.1f}x {isotree / ours:6.1f}x"
    print(f"{name:22} {ours * 1e3:8.1f} {sklearn * 1e3:8.1f} {isotree * 1e3:8.1f}  {ratios}   {want}", flush=True)


def main():
    binary, work = sys.argv[1], Path(sys.argv[2])
    rows = data(work)
    # isotree copies what is not in columns of doubles: it gets its best.
    columns = np.asfortranarray(rows.astype(np.float64))
    print(f"{'ms, medians':22} {'ours':>8} {'sklearn':>8} {'isotree':>8}  {'ours faster by':>15}   want")
    for sample in (256, 4096):
        runs = []
        for _ in range(ROUNDS):
            own = ours(binary, "fit", work / "rows.f32", COLUMNS, TREES, sample)
            runs.append((own["fit_s"], own["batch_s"], *sklearn(rows, sample), *isotree(columns, sample)))
        own_fit, own_batch, sk_fit, sk_batch, iso_fit, iso_batch = map(median, zip(*runs))
        fit_wanted, batch_wanted = (">= 30x, 2x", ">= 3.5x, 6x") if sample == 256 else ("", ">= 900,000 rows/s")
        line(f"fit 100 x {sample}", own_fit, sk_fit, iso_fit, fit_wanted)
        line(f"batch 100 x {sample}", own_batch, sk_batch, iso_batch, batch_wanted)
        print(f"{'':22} {ROWS / own_batch:,.0f} rows/s")
    one = [ours(binary, "one", work / "rows.f32", COLUMNS, TREES, 4096) for _ in range(ROUNDS)]
    for name, want in [("score_us", "p99 <= 8 us"), ("explain_us", "")]:
        p50, p99, _ = map(median, zip(*(run[name] for run in one)))
        print(f"one, 100 x 4096, {name}: p50 {p50:.2f}, p99 {p99:.2f}   {want}")
    print(f"load, 100 x 4096: {median(run['load_ms'] for run in one):.2f} ms   < 5 ms")
    tails = [ours(binary, "tails", work / "rows.f32", COLUMNS) for _ in range(ROUNDS)]
    p50, p99, _ = map(median, zip(*(run["row_us"] for run in tails)))
    print(f"tails, {COLUMNS} columns: fit {median(run['fit_s'] for run in tails):.2f} s, one p50 {p50:.2f}, p99 {p99:.2f} us")
    arguments = [work / "group.f32", GROUP_COLUMNS, TOLERANCE, MIN_POINTS]
    found = [ours(binary, "dbscan", *arguments, work / "new.f32") for _ in range(ROUNDS)]
    peer = ours(binary, "linfa", *arguments)
    same = all(found[0][key] == peer[key] for key in ("groups", "noise"))
    own = median(run["fit_s"] for run in found)
    print(f"DBSCAN {ROWS} x {GROUP_COLUMNS}: {own:.2f} s, linfa {peer['fit_s']:.2f} s   <= 13 s")
    print(f"as many groups and as much noise as linfa: {'yes' if same else 'NO'}")
    arguments[2] = WIDE
    wide = [ours(binary, "dbscan", *arguments, work / "new.f32") for _ in range(ROUNDS)]
    for runs in (found, wide):
        p50, p99, _ = map(median, zip(*(run["predict_us"] for run in runs)))
        print(f"nearest of {runs[0]['core']} core points: p50 {p50:.1f}, p99 {p99:.1f} us   p99 <= 100 us")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
