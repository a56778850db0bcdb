"""Harmful and fraudulent changes of tags, in a company's own words and on its own resources, by somebody in the middle of their work.

The kinds were written without a look at any rule. Each changes tags that the company's earlier events wrote, from where its host is and with
the program that the host has open."""

import datetime
import re

from unforeseen_company import Company, Place, changes, program, without_incidents

DROPPED = ("resources", "additionalEventData", "tlsDetails", "sharedEventID", "apiVersion")
CLASSES = ["public", "internal", "confidential", "restricted"]


def kinds(C, P):
    """By name what finds its resources at place P of company C and gives the calls; an IndexError or a ValueError means that the place has none."""
    machine, stores, classed = (
        "ec2:instance",
        "rds:db dynamodb:table ec2:volume ec2:instance",
        "secretsmanager:secret dynamodb:table rds:db",
    )
    lower, own = dict(zip(CLASSES[1:], CLASSES)), {app for app, _ in (C.apps[P.team] or C.apps[P.other_team]).most_common(5)}
    bump = lambda version: re.sub(r"(\d+)\.\d+$", lambda found: f"{int(found[1]) + 1}.0", version)
    live = lambda tags: tags.get(C.env) == C.prod
    kept = lambda tags: tags.get(C.backup) in C.kept
    secret = lambda tags: tags.get(C.klass) in CLASSES[2:]
    word = lambda words: P.chance.choice(sorted(words))
    left = [person["email"].split("@")[0] for person in C.people if (person["last_day"] or "9") < P.host["eventTime"]]

    def backup_lookalike():
        thing, key = P.pick(1, 1, "ec2:instance ec2:volume", kept), P.chance.choice(
            [C.backup.capitalize(), C.backup + " ", C.backup.replace("a", "\u0430")]
        )
        service, _, request, response = put = P.put(thing, {key: thing[0].tags[C.backup]})
        return [put, (service, "DeleteTags", {**request, "tagSet": {"items": [{"key": C.backup}]}}, {**response, "requestId": P.id()})]

    def budget_at_birth():
        (request, response), other = P.born("RunInstances"), P.other_team
        app, number, size = (
            P.chance.choice(C.apps[other].most_common(5))[0],
            P.chance.randint(1, 3),
            {"instanceType": "m6i.4xlarge", "clientToken": P.id()},
        )
        tags = {
            C.env: word(one.tags[C.env] for one in P.resources if C.env in one.tags),
            C.owner: other,
            C.cost: C.teams[other],
            C.app: app,
        }
        items = [
            {"key": key, "value": value}
            for key, value in {**tags, C.backup: C.not_kept, C.sched: C.never_stops, "Name": f"{app}-{number + 40}"}.items()
        ]
        new = [
            {
                **response["instancesSet"]["items"][0],
                **size,
                "instanceId": "i-0" + P.id()[:8] * 2,
                "amiLaunchIndex": at,
                "tagSet": {"items": items},
            }
            for at in range(number)
        ]
        request["instancesSet"]["items"][0] |= {"minCount": number, "maxCount": number}
        request |= {**size, "tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": items}]}}
        return [
            (
                "ec2",
                "RunInstances",
                request,
                {**response, "requestId": P.id(), "reservationId": "r-0" + P.id()[:8] * 2, "instancesSet": {"items": new}},
            )
        ]

    def copy_born_as_dev():
        (request, response), _ = P.born("CreateDBSnapshot"), P.pick(1, 1, "ec2:instance rds:db s3:bucket", live)  # production it has to be
        old, tags = request["dBSnapshotIdentifier"], [
            {"value": value, "key": key} for key, value in {C.env: C.dev, C.owner: P.team, C.klass: CLASSES[0]}.items()
        ]
        new = {"dBSnapshotIdentifier": old[:-4] + P.id()[:4]}
        response |= {**new, "dBSnapshotArn": response["dBSnapshotArn"].replace(old, new["dBSnapshotIdentifier"]), "tagList": tags}
        return [("rds", "CreateDBSnapshot", {**request, **new, "tags": tags}, response)]

    def names_swapped():
        one = P.pick(1, 1, machine, lambda tags: "Name" in tags and C.app in tags)
        other = P.pick(1, 1, machine, lambda tags: "Name" in tags and tags.get(C.app) not in (None, one[0].tags[C.app]))
        return [P.put(one, {"Name": other[0].tags["Name"]}), P.put(other, {"Name": one[0].tags["Name"]})]

    return {
        # The backup plan goes by tag: one store of production is let out, many are in one call, or the key only looks like itself.
        "backup off": lambda: [P.put(P.pick(1, 1, stores, lambda tags: live(tags) and kept(tags)), {C.backup: C.not_kept})],
        "backup key taken from many": lambda: [P.many("UntagResources", P.pick(5, 12, stores, kept), tagKeys=[C.backup])],
        "backup key look-alike": backup_lookalike,
        # The leak scanner goes by class: one bucket is let out, by an oversight in a rewritten set, or several go lower day by day.
        "class lowered": lambda: [P.put(P.pick(1, 1, "s3:bucket", secret), {C.klass: P.chance.choice(CLASSES[:2])})],
        "class lost in a rewrite": lambda: [P.put(P.pick(1, 1, "s3:bucket", secret), {C.klass: None, "version": word(C.words["version"])})],
        "class lowered day by day": lambda: [
            P.put([one], {C.klass: lower[one.tags[C.klass]]}) for one in P.pick(3, 5, classed, lambda tags: tags.get(C.klass) in lower)
        ],
        # Guard rails, scheduler, janitor: production only looks like it (a Cyrillic letter), trials reach it or run on, backups expired.
        "production look-alike": lambda: [P.put(P.pick(2, 2, machine, live), {C.env: C.prod.replace("p", "\u0440")})],
        "trial called production": lambda: [P.put(P.pick(1, 1, machine, lambda tags: tags.get(C.env) == C.dev), {C.env: C.prod})],
        "kept awake": lambda: [P.put(P.pick(1, 2, machine, lambda tags: tags.get(C.sched) == C.stops), {C.sched: C.never_stops})],
        "backups expired": lambda: [
            P.put(
                P.pick(3, 5, "ec2:snapshot", live),
                {"expires": str(datetime.date.fromisoformat(P.host["eventTime"][:10]) - datetime.timedelta(days=1))},
            )
        ],
        # Tags of birth: large machines on another team's budget, a copy of production's database that is "public" and development's.
        "another's budget at birth": budget_at_birth,
        "database copy born as dev": copy_born_as_dev,
        # People and papers: alerts go to one who has left, names mislead the next hand, patches and reviews are only written down.
        "alerts to one who left": lambda: [P.many("TagResources", P.pick(2, 4, stores, live), tags={"contact": word(left)})],
        "names swapped": names_swapped,
        "patched on paper": lambda: [
            P.put([one], {"version": bump(one.tags["version"])})
            for one in P.pick(1, 3, machine, lambda tags: live(tags) and "version" in tags)
        ],
        "review forged": lambda: [P.put(P.pick(1, 1, "ec2:security-group"), {"reviewed": "true", "ticket": word(C.words["ticket"])})],
        # Rights and retention: a role is cleared for the highest class, a key opens for one's own, production's buckets and logs go.
        "clearance for a role": lambda: [P.put(P.pick(1, 1, "iam:role", lambda tags: C.klass not in tags), {C.klass: CLASSES[3]})],
        "key handed over": lambda: [P.put([key], {C.app: word(own - {key.tags.get(C.app)})}) for key in P.pick(1, 1, "kms:key")],
        "bucket stripped": lambda: [P.put_bucket(P.pick(1, 1, "s3:bucket", live)[0], {})],
        "logs called temporary": lambda: [P.put(P.pick(1, 1, "logs:log-group", live), {"expires": "temporary"})],
    }


def attack(company, kind, hosts, chance):
    """The events of one attack of a kind, in the first place of a random order that has what it needs: each soon after a host."""
    for first in chance.sample(hosts, len(hosts)):
        place, wait = Place(company, first, chance), 0
        try:
            calls = kinds(company, place)[kind]()
        except (IndexError, ValueError):
            continue
        same = [
            event
            for event in hosts
            if event["userIdentity"]["arn"] == first["userIdentity"]["arn"] and event["eventTime"] >= first["eventTime"]
        ]
        days = (
            [*{event["eventTime"][:10]: event for event in reversed(same)}.values()][::-1] if "day by day" in kind else [first] * len(calls)
        )
        for host, (service, name, request, response) in zip(days, calls if len(calls) <= len(days) else []):
            wait += chance.randint(20, 70)
            time, source = datetime.datetime.fromisoformat(host["eventTime"]) + datetime.timedelta(seconds=wait), service + ".amazonaws.com"
            event = {key: value for key, value in host.items() if key not in DROPPED}
            event |= {
                "eventVersion": company.versions[source],
                "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "eventSource": source,
                "eventName": name,
            }
            event |= {
                "awsRegion": "us-east-1" if service == "iam" else place.region,
                "userAgent": program(company, host, service, name),
                "readOnly": False,
            }
            event |= {
                "requestParameters": request,
                "responseElements": response,
                "eventID": place.id(),
                "requestID": (response or {}).get("requestId", place.id()),
            }
            for arn, *_ in changes(event):
                company.past[place.account, event["awsRegion"]].pop(arn, None)  # no other attack takes the same resource
            yield event
        if wait:
            return
    raise SystemExit(f"found no place for an attack, want one for {kind!r}")


def inserted(folder, chance):
    """A company's events with one attack of each kind in the place of its own incidents, the truth, and the first day that counts."""
    events, truth, labelled, start = without_incidents(folder)
    events.sort(key=lambda event: event["eventTime"])
    company, hosts = Company(folder, events), []
    for event in events:  # Writes by people and programs that belong to nothing labelled: whose place an attack takes.
        arn, other = event["userIdentity"].get("arn", ""), event.get("readOnly") or event.get("errorCode") or event["eventID"] in labelled
        known = event["eventType"] == "AwsApiCall" and (":user/" in arn or "@" in arn) and event["sourceIPAddress"][0].isdigit()
        if event["eventTime"] >= start and known and not other and ("sessionCredentialFromConsole" not in event or arn in company.browsers):
            hosts.append(event)
    for kind in kinds(company, Place(company, hosts[0], chance)):
        for event in attack(company, kind, hosts, chance):
            events.append(event)
            truth.append({"event_id": event["eventID"], "incident": kind, "scenario": kind, "malicious": True})
    return sorted(events, key=lambda event: event["eventTime"]), truth, start
