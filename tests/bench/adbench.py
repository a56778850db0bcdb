"""Scores ADBench's sets with the binary and compares with the reference: adbench.py BINARY FOLDER WORK"""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

SEEDS = 10


def measure(binary, rows, truth, work):
    """Mean ROC-AUC and average precision over the seeds."""
    rows.astype("<f4").tofile(work / "rows.f32")
    out = []
    for seed in range(SEEDS):
        scores = [work / "rows.f32", rows.shape[1], 100, 256, seed, work / "scores.f32"]
        subprocess.run([binary, "scores", *map(str, scores)], check=True)
        scores = np.fromfile(work / "scores.f32", "<f4")
        out.append((roc_auc_score(truth, scores), average_precision_score(truth, scores)))
    return np.mean(out, axis=0)


def main():
    binary, folder, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with open(folder / "reference.csv", newline="") as file:
        reference = list(csv.DictReader(file))
    if not reference:
        sys.exit(f"found no sets in {folder / 'reference.csv'}, want at least one")
    print(f"{'set':16} {'AUC':>7} {'sklearn':>8} {'off':>8} {'allowed':>8} {'AP':>7} {'sklearn':>8}")
    outside, ours, theirs = [], [], []
    for row in reference:
        with np.load(folder / f"{row['dataset']}.npz") as data:
            auc, ap = measure(binary, data["X"], data["y"], work)
        want, allowed = float(row["sklearn_auc_mean20"]), float(row["max_abs_dev_allowed"])
        ours.append(ap)
        theirs.append(float(row["sklearn_ap_mean20"]))
        mark = "" if abs(auc - want) <= allowed else "  outside"
        if mark:
            outside.append(row["dataset"])
        print(f"{row['dataset']:16} {auc:7.4f} {want:8.4f} {auc - want:+8.4f} {allowed:8.4f} {ap:7.4f} {theirs[-1]:8.4f}{mark}")
    low = np.mean(ours) < np.mean(theirs) - 0.01
    print(f"mean AP {np.mean(ours):.4f}, scikit-learn {np.mean(theirs):.4f}; {len(outside)} of {len(reference)} sets outside")
    sys.exit(1 if outside or low else 0)


if __name__ == "__main__":
    main()
