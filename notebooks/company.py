"""Makes the simulated company that a notebook looks at, and runs tagwarden on it."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def binary():
    """TAGWARDEN if it is set, else the release build, else the debug build."""
    if named := os.environ.get("TAGWARDEN"):
        return Path(named).resolve(strict=True)
    builds = [REPOSITORY / "target" / kind / "tagwarden" for kind in ("release", "debug")]
    for build in builds:
        if build.exists():
            return build
    raise FileNotFoundError(f"found none of {', '.join(map(str, builds))}; want one built, or its path in TAGWARDEN")


def tagwarden(*args):
    """Runs the command; gives what it says on standard output, and raises what it says of a failure."""
    done = subprocess.run([binary(), *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tagwarden {args[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


class Company:
    """A company of 900 events a day; its second half holds incidents and their harmless twins."""

    def __init__(self, seed, days=20):
        self._scratch = tempfile.TemporaryDirectory(prefix="tagwarden-notebook-")
        self.folder = Path(self._scratch.name)
        tagwarden("simulate", "--days", days, "--seed", seed, "--out", self.folder)
        self.events = self.folder / "events"
        self.inventory = self.folder / "inventory.json"
        self.truth = self.folder / "truth.ndjson"
        spec = json.loads((self.folder / "spec.json").read_text())
        self.start, self.test_start = spec["start"], spec["test_start"]

    def archive(self):
        """Runs a worker over all events, as it would have gone live; gives the archive's root."""
        root = self.folder / "archive"
        shutil.rmtree(root, ignore_errors=True)
        tagwarden(
            "run", "--input", self.events, "--inventory", self.inventory, "--archive", root,
            "--state", self.folder / "state.sqlite", "--archive-read-only", "--until-end", "--clock", "event",
        )  # fmt: skip
        return root

    def config(self, **baseline):
        """A configuration file with these settings of the baseline."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in baseline.items()]
        path = self.folder / "tagwarden.toml"
        path.write_text("\n".join(["[baseline]", *lines, ""]))
        return path

    def train(self, archive, name="model", **baseline):
        """Learns a model from the days before the first incident; gives its folder."""
        out = self.folder / name
        tagwarden(
            "train", "--archive", archive, "--from", self.start, "--to", self.test_start, "--out", out,
            "--inventory", self.inventory, "--config", self.config(**baseline),
        )  # fmt: skip
        return out

    def evaluate(self, model, **baseline):
        """Judges the days from the first incident on; gives the figures, and the scores line by line."""
        scores = self.folder / "scores.ndjson"
        figures = tagwarden(
            "evaluate", "--events", self.events, "--truth", self.truth, "--train-until", self.test_start,
            "--inventory", self.inventory, "--model", model, "--config", self.config(**baseline),
            "--scores", scores, "--json",
        )  # fmt: skip
        return json.loads(figures), [json.loads(line) for line in scores.open()]
