"""A company of data/worlds as its own events tell it: its words, and the tags of its resources at any time."""

import collections
import gzip
import json
import re
import uuid

EC2 = {"i": "instance", "vol": "volume", "snap": "snapshot", "sg": "security-group"}
NAMED = {"rds": "resourceName", "secretsmanager": "secretId"}  # where a request has the resource's ARN; elsewhere in resourceArn
Resource = collections.namedtuple("Resource", "arn what name tags")  # what: "ec2:instance", "s3:bucket", ...


def without_incidents(folder):
    """A company's events and truth without its own incidents, the ids of all labelled events, and the first day that counts."""
    start = json.loads((folder / "spec.json").read_text())["test_start"]
    truth = [json.loads(line) for line in (folder / "truth.ndjson").open()]
    malicious = {line["event_id"] for line in truth if line["malicious"]}
    events = [json.loads(line) for line in gzip.open(folder / "events.ndjson.gz", "rt")]
    events = [event for event in events if event["eventID"] not in malicious]
    return events, [line for line in truth if not line["malicious"]], {line["event_id"] for line in truth}, start


def pairs(tags):
    """The tags of a request, in whichever form, as a dict."""
    tags = tags.get("items", [tags] if "Key" in tags else tags) if isinstance(tags, dict) else tags or []
    if isinstance(tags, list):
        tags = [{key.lower().removeprefix("tag"): value for key, value in tag.items()} for tag in tags]
        tags = {tag["key"]: tag.get("value", "") for tag in tags}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in tags.items()}


def changes(event):
    """(ARN, new tags, keys that go, whether no other tag stays) for each resource of an event; no tags at all when it is deleted."""
    service, name, region, account = (
        event["eventSource"].split(".")[0],
        event["eventName"],
        event["awsRegion"],
        event.get("recipientAccountId"),
    )
    request, response = event.get("requestParameters") or {}, event.get("responseElements") or {}
    arn = lambda kind, name: f"arn:aws:{service}:{region}:{account}:{kind}/{name}"
    if name in ("RunInstances", "TerminateInstances"):
        for item in response["instancesSet"]["items"]:
            yield arn("instance", item["instanceId"]), pairs(item.get("tagSet")) if name == "RunInstances" else None, [], True
    elif name in ("CreateSnapshot", "DeleteSnapshot"):
        yield arn("snapshot", {**request, **response}["snapshotId"]), (
            pairs(response.get("tagSet")) if name == "CreateSnapshot" else None
        ), [], True
    elif name in ("CreateDBSnapshot", "CreateSecret", "CreateRole"):
        yield response.get("dBSnapshotArn") or response.get("arn") or response["role"]["arn"], pairs(request.get("tags")), [], True
    elif name == "PutBucketTagging":
        yield "arn:aws:s3:::" + request["bucketName"], pairs(request["Tagging"]["TagSet"]["Tag"]), [], True
    elif "Tag" in name and service in ("ec2", "rds", "dynamodb", "secretsmanager", "kms", "iam", "logs", "tagging"):
        tags, goes = pairs(request.get("tagSet") or request.get("tags")), name.startswith(("Untag", "Remove", "Delete"))
        ids = [item["resourceId"] for item in request.get("resourcesSet", {}).get("items", [])]
        named = [arn(EC2[one.split("-")[0]], one) for one in ids if one.split("-")[0] in EC2]
        named += (
            [arn("key", request["keyId"])]
            if service == "kms"
            else [f"arn:aws:iam::{account}:role/{request['roleName']}"] if "roleName" in request else []
        )
        for one in filter(None, named + (request.get("resourceARNList") or [request.get(NAMED.get(service, "resourceArn"))])):
            yield one, {} if goes else tags, request.get("tagKeys") or list(tags) if goes else [], False


class Company:
    """What a company's inventory and events say: its words, and the tags of its resources at any time."""

    def __init__(self, folder, events):
        known = json.loads((folder / "inventory.json").read_text())
        self.env, self.owner, self.cost, self.app, self.backup, self.sched, self.klass = [
            known["tag_keys"][key] for key in ("env", "owner", "cost", "app", "backup", "sched", "class")
        ]
        self.prod, self.dev = known["environment_values"]["prod"], known["environment_values"]["dev"]
        (*self.kept, self.not_kept), (self.stops, self.never_stops) = known["backup_values"], known["schedule_values"]
        self.people, self.teams = known["people"], {team["name"]: team["cost_center"] for team in known["teams"]}
        self.past, self.words, self.apps = (
            collections.defaultdict(dict),
            collections.defaultdict(set),
            collections.defaultdict(collections.Counter),
        )
        self.born, self.browsers, self.versions = collections.defaultdict(list), {}, {}
        for event in events:
            agent, actor, place = (
                event.get("userAgent") or "",
                event["userIdentity"].get("arn", ""),
                (event.get("recipientAccountId"), event["awsRegion"]),
            )
            self.versions[event["eventSource"]] = event["eventVersion"]
            if agent.startswith(("Mozilla", "[S3Console")):
                self.browsers["s3" if "S3Console" in agent else actor] = agent
            works = not (event.get("errorCode") or event.get("readOnly"))
            if works and "@" in actor:
                self.born[event["eventName"], *place].append(event)
            for arn, tags, gone, whole in changes(event) if works else []:
                before = self.past[place][arn][-1][1] if arn in self.past[place] else None
                if arn.startswith("arn:aws:s3:") and before is None and not whole:
                    continue  # a bucket's tags can be written only as a whole, so all of them have to be known
                now = (
                    tags if tags is None or whole else {key: value for key, value in {**(before or {}), **tags}.items() if key not in gone}
                )
                self.past[place].setdefault(arn, []).append((event["eventTime"], now))
                for key, value in (tags or {}).items():
                    self.words[key].add(value)
                if self.app in (tags or {}):
                    self.apps[tags.get(self.owner)][tags[self.app]] += 1


class Place:
    """Where an attack happens: the host's account and region, its resources with their tags of that time, and chance."""

    def __init__(self, company, host, chance):
        self.company, self.host, self.chance, self.account, self.resources = company, host, chance, host["recipientAccountId"], []
        regions = sorted(region for account, region in company.past if account == self.account and region != "us-east-1")
        self.region = host["awsRegion"] if host["awsRegion"] in regions or not regions else chance.choice(regions)
        self.team = next(
            (person["team"] for person in company.people if person["email"] in host["userIdentity"]["arn"]),
            chance.choice(sorted(company.teams)),
        )
        self.other_team = chance.choice(sorted(team for team in company.teams if team != self.team and company.apps[team]))
        for arn, past in [one for region in sorted({self.region, "us-east-1"}) for one in company.past[self.account, region].items()]:
            tags = next((tags for time, tags in reversed(past) if time < host["eventTime"]), None)
            service, rest = arn.split(":")[2], arn.split(":", 5)[5]
            kind, name = ("bucket", rest) if service == "s3" else re.split("[:/]", rest + ":", maxsplit=1)
            self.resources += [Resource(arn, f"{service}:{kind}", name.removesuffix(":"), tags)] if tags else []

    def pick(self, least, most, whats, fits=lambda tags: True):
        """From `least` to `most` resources that fit; a ValueError when there are fewer."""
        found = [resource for resource in self.resources if resource.what in whats.split() and fits(resource.tags)]
        return self.chance.sample(found, self.chance.randint(least, min(most, len(found))))

    def born(self, call):
        """Request and response of somebody's earlier call of that name here, to be changed; an IndexError when there is none."""
        event = self.chance.choice(
            [event for event in self.company.born[call, self.account, self.region] if event["eventTime"] < self.host["eventTime"]]
        )
        return json.loads(json.dumps([event["requestParameters"], event["responseElements"]]))

    def id(self):
        return str(uuid.UUID(int=self.chance.getrandbits(128)))

    def put(self, resources, tags):
        """The service's own call that writes these tags on resources of one service."""
        service, first = resources[0].what.split(":")[0], resources[0]
        items = [{"key": key, "value": value} for key, value in tags.items()]
        if service == "ec2":
            return (
                service,
                "CreateTags",
                {"resourcesSet": {"items": [{"resourceId": one.name} for one in resources]}, "tagSet": {"items": items}},
                {"requestId": self.id(), "_return": True},
            )
        if service == "s3":
            return self.put_bucket(first, {**first.tags, **tags})
        items = [{"tagKey": key, "tagValue": value} for key, value in tags.items()] if service == "kms" else items
        who = {"iam": {"roleName": first.name}, "kms": {"keyId": first.name}}.get(service, {NAMED.get(service, "resourceArn"): first.arn})
        return (
            service,
            {"rds": "AddTagsToResource", "iam": "TagRole"}.get(service, "TagResource"),
            {**who, "tags": tags if service == "logs" else items},
            None,
        )

    def put_bucket(self, bucket, tags):
        """A bucket's tags written as a whole, without those of no value; or, without any, all deleted."""
        request = {"tagging": "", "bucketName": bucket.name, "Host": f"{bucket.name}.s3.{self.region}.amazonaws.com"}
        tags = [{"Value": {"true": True, "false": False}.get(value, value), "Key": key} for key, value in tags.items() if value]
        tagging = {"Tagging": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "TagSet": {"Tag": tags}}}
        return ("s3", "PutBucketTagging", {**tagging, **request}, None) if tags else ("s3", "DeleteBucketTagging", request, None)

    def many(self, call, resources, **change):
        """The tagging API's call for many resources."""
        return ("tagging", call, {"resourceARNList": [one.arn for one in resources], **change}, {"failedResourcesMap": {}})


def program(company, host, service, name):
    """How the program that `host` has open names itself in another call."""
    if "sessionCredentialFromConsole" in host:
        return (
            "AWS Internal"
            if service in ("rds", "dynamodb", "secretsmanager", "kms")
            else company.browsers["s3" if service == "s3" else host["userIdentity"]["arn"]]
        )
    tool = {"s3": "s3api", "tagging": "resourcegroupstaggingapi"}.get(service, service)
    command = f"{tool}.{'-'.join(re.findall('DB|[A-Z][a-z]*', name)).lower()}"
    agent = re.sub(r"(command[/#])[^ \]]+", rf"\g<1>{command}", host["userAgent"].strip("[]"))
    return f"[{agent}]" if service == "s3" else agent
