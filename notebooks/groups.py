"""Puts scored events together as people are told of them: what one actor did within one hour is one group."""

import duckdb
import pandas as pd


def actors(archive):
    """The actor of each archived event: the ARN, else the principal, else the service, else the address."""
    return duckdb.sql(f"""
        SELECT event_id, coalesce(
            nullif(raw_event ->> '$.userIdentity.arn', ''), nullif(raw_event ->> '$.userIdentity.principalId', ''),
            nullif(raw_event ->> '$.userIdentity.invokedBy', ''), nullif(raw_event ->> '$.sourceIPAddress', ''), '?'
        ) AS actor
        FROM '{archive}/changes/*/*.parquet' WHERE raw_event IS NOT NULL
    """).df()


def labelled(scores, company, archive):
    """One row per event judged, in order of time: score, actor, and what truth says of it."""
    truth = pd.read_json(company.truth, lines=True, dtype={"event_id": str})
    events = pd.DataFrame(scores).merge(actors(archive), on="event_id", how="left", validate="1:1")
    events = events.merge(truth, on="event_id", how="left", validate="1:1")
    events["time"] = pd.to_datetime(events["time"])
    events["attack"] = events["malicious"].eq(True)
    events["twin"] = events["malicious"].eq(False)
    return events.sort_values("time", kind="stable", ignore_index=True)


def grouped(events, score="score"):
    """One row per group: the day it opened, its highest score, the attacks in it, whether it holds a harmless twin."""
    opened, number, members = {}, {}, []
    for at, (actor, time) in enumerate(zip(events["actor"], events["time"])):
        if actor not in opened or time - opened[actor] > pd.Timedelta(hours=1):
            opened[actor], number[actor] = time, at
        members.append(number[actor])
    by_group = events.assign(
        day=events["time"].dt.floor("D"), attack_name=events["incident"].where(events["attack"])
    ).groupby(members)
    return by_group.agg(
        day=("day", "first"), actor=("actor", "first"), score=(score, "max"), twin=("twin", "any"),
        attacks=("attack_name", lambda names: frozenset(names.dropna())),
    ).reset_index(drop=True)  # fmt: skip


def found(groups):
    """The attacks that these groups hold."""
    return frozenset().union(*groups["attacks"])


def first_of_each_day(groups, budget):
    """The `budget` highest groups of each day."""
    return groups.sort_values("score", ascending=False, kind="stable").groupby("day").head(budget)
