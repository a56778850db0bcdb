"""Writes calls.csv: the everyday mutating calls of the services people use, from botocore's models.

families.csv, written by hand, comes before it: this table only knows what a call is named like. Columns are those of
families.csv: source; operation; family; kind; type; id (paths, `|` between, `<` for the response); name; details; reads.
"""

import csv
import pathlib
import re

from botocore_model import services, snake, sources

HERE = pathlib.Path(__file__).parent

PAST = {
    "Accept": "accepted", "Acknowledge": "acknowledged", "Activate": "activated", "Add": "added", "Advertise": "advertised", "Allocate": "allocated",
    "Apply": "applied", "Approve": "approved", "Archive": "archived", "Assign": "assigned", "Associate": "associated",
    "Attach": "attached", "Authorize": "authorized", "Build": "built", "Cancel": "cancelled", "Change": "changed",
    "Clone": "cloned", "Complete": "completed", "Configure": "configured", "Confirm": "confirmed", "Connect": "connected",
    "Copy": "copied", "Create": "created", "Deactivate": "deactivated", "Decline": "declined", "Delete": "deleted",
    "Deploy": "deployed", "Deprecate": "deprecated", "Deprovision": "deprovisioned", "Deregister": "deregistered",
    "Detach": "detached", "Disable": "disabled", "Disassociate": "disassociated", "Disconnect": "disconnected",
    "Enable": "enabled", "Execute": "executed", "Export": "exported", "Failover": "failed_over", "Import": "imported",
    "Increase": "increased", "Decrease": "decreased", "Initiate": "initiated", "Invite": "invited", "Invoke": "invoked",
    "Issue": "issued", "Leave": "left", "Lock": "locked", "Merge": "merged", "Migrate": "migrated", "Modify": "changed",
    "Monitor": "monitored", "Move": "moved", "Pause": "paused", "Promote": "promoted", "Provision": "provisioned",
    "Publish": "published", "Purchase": "purchased", "Put": "put", "Reboot": "rebooted", "Redrive": "redriven",
    "Register": "registered", "Reject": "rejected", "Release": "released", "Remove": "removed", "Renew": "renewed",
    "Replace": "replaced", "Replicate": "replicated", "Request": "requested", "Reset": "reset", "Resize": "resized",
    "Restart": "restarted", "Restore": "restored", "Resume": "resumed", "Retry": "retried", "Revoke": "revoked",
    "Rotate": "rotated", "Run": "run", "Schedule": "scheduled", "Send": "sent", "Set": "set", "Signal": "signalled",
    "Split": "split", "Start": "started", "Stop": "stopped", "Submit": "submitted", "Subscribe": "subscribed",
    "Suspend": "suspended", "Swap": "swapped", "Terminate": "terminated", "Transact": "written", "Transfer": "transferred", "Unarchive": "unarchived",
    "Unassign": "unassigned", "Unlock": "unlocked", "Unmonitor": "unmonitored", "Unsubscribe": "unsubscribed",
    "Update": "changed", "Upload": "uploaded", "Withdraw": "withdrawn", "Write": "written", "Enter": "entered", "Exit": "exited",
    "Label": "labelled", "Close": "closed", "Continue": "continued", "Abort": "aborted", "Rename": "renamed", "Distribute": "distributed", "Convert": "converted", "Rebuild": "rebuilt", "Ingest": "ingested", "Join": "joined", "Evaluate": "evaluated", "Activate": "activated", "Respond": "responded", "Record": "recorded", "Opt": "opted", "Post": "posted", "Retire": "retired", "Synchronize": "synchronized", "Sync": "synced", "Refresh": "refreshed", "Reserve": "reserved", "Open": "opened", "Claim": "claimed", "Generate": "generated",
}
READS = re.compile(r"(Get|List|Describe|Search|Query|BatchGet|Lookup|Scan|Validate|Test|Check|Preview|Simulate|Estimate|Select|Head|GenerateCredentialReport|GenerateServiceLast|GenerateOrganizationsAccess|GenerateDataKey|GenerateMac|GenerateRandom|GenerateTemplate|StartQuery$|StartLiveTail)")

BORN = {"Create", "Register", "Allocate", "Import", "Copy", "Restore", "Request", "Run", "Provision", "Purchase", "Issue", "Submit"}
IAM = {"iam", "sso-admin", "identitystore", "rolesanywhere", "organizations", "cognito-idp", "cognito-identity", "account", "ds", "ram"}
LOGGING = {"cloudtrail", "config", "guardduty", "securityhub", "inspector2", "inspector", "macie2", "detective", "accessanalyzer", "securitylake"}
NETWORK = {"route53", "route53resolver", "route53domains", "directconnect", "networkmanager", "network-firewall", "globalaccelerator", "vpc-lattice"}
KMS = {"kms"}
WORKLOAD = {
    "acm", "acm-pca", "amp", "apigateway", "apigatewayv2", "appconfig", "application-autoscaling", "apprunner", "appsync",
    "athena", "autoscaling", "backup", "batch", "bedrock", "budgets", "ce", "cloud9", "cloudformation", "cloudfront",
    "cloudwatch", "codeartifact", "codebuild", "codecommit", "codedeploy", "codepipeline", "datasync", "dms", "dlm", "dynamodb",
    "ebs", "ec2", "ec2-instance-connect", "ecr", "ecr-public", "ecs", "efs", "eks", "elasticache", "elasticbeanstalk", "elb", "elbv2", "emr",
    "emr-serverless", "es", "events", "firehose", "fsx", "glue", "grafana", "imagebuilder", "iot", "kafka", "kafkaconnect", "kinesis",
    "kinesisanalyticsv2", "lambda", "lightsail", "logs", "mediaconvert", "memorydb", "mq", "mwaa", "opensearch",
    "opensearchserverless", "pipes", "rbin", "rds", "redshift", "redshift-serverless", "resource-groups", "s3", "s3control",
    "sagemaker", "scheduler", "schemas", "secretsmanager", "servicecatalog", "servicediscovery", "service-quotas", "ses", "sesv2",
    "shield", "sns", "sqs", "ssm", "stepfunctions", "storagegateway", "support", "synthetics", "transfer", "waf", "wafv2",
    "workspaces", "xray", "neptune", "docdb", "quicksight", "lakeformation", "sso", "signer", "ssm-incidents", "ssm-contacts", "rum", "oam", "fis", "fms",
}
EC2_FAMILIES = [
    ("security_group", re.compile(r"SecurityGroup")),
    ("instance", re.compile(r"Instance|LaunchTemplate|Fleet|Spot(?!Datafeed)|^(Host|Hosts)$|PlacementGroup|SerialConsole")),
    ("network", re.compile(r"Vpc|Subnet|Route|Gateway|Endpoint|NetworkAcl|NetworkInterface|FlowLog|Address|Dhcp|Vpn|Peering|PrefixList|Ipam|Cidr|Ipv[46]|CarrierGateway|Coip|TrafficMirror|VerifiedAccess|NetworkInsights|Byo|Trunk|Network")),
]


def family(service, noun):
    if service == "ec2":
        return next((f for f, r in EC2_FAMILIES if r.search(noun)), "workload")
    for name, members in (("iam", IAM), ("logging", LOGGING), ("network", NETWORK), ("kms", KMS)):
        if service in members:
            return name
    return "workload"


def singular(noun):
    return noun[:-3] + "y" if noun.endswith("ies") else noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "Status")) else noun


def is_text(shape):
    return shape.type_name == "string" or (shape.type_name == "list" and shape.member.type_name == "string")


def named(shape, noun, born, prefix=""):
    """Members that name the resource, the most exact first."""
    if shape is None:
        return []
    nouns = [noun.lower(), singular(noun).lower()]
    best, second = [], []
    for member, inner in shape.members.items():
        low = member.lower()
        if not is_text(inner) or "token" in low or "version" in low or low.startswith("kms"):
            continue
        stem = re.sub(r"(arn|id|identifier|name|url)s?$", "", low)
        if low == stem and low not in nouns:
            continue
        if stem in nouns or low in nouns or stem in ("", "resource"):
            best.append(member)
        elif member in shape.required_members:
            second.append(member)
    order = lambda m: (0 if m.lower().rstrip("s").endswith("arn") else 1 if re.search(r"(id|identifier|url)s?$", m.lower()) else 2)
    found = sorted(best, key=order) or ([] if born else sorted(second, key=order)[:2])
    out = []
    for member in found:
        out.append("bucketName" if member == "Bucket" and not prefix else prefix + member)
        if member.endswith("s") and shape.members[member].type_name == "list":
            out.append(prefix + member[:-1])
    return out


def paths(model, operation, verb, noun):
    op = model.operation_model(operation)
    born = verb in BORN
    request = named(op.input_shape, noun, born)
    answer = named(op.output_shape, noun, born, "<")
    if op.output_shape is not None and not answer:
        for member, inner in op.output_shape.members.items():
            if inner.type_name == "structure":
                answer += named(inner, noun, born, f"<{member}.")
            if answer:
                break
    return "|".join(dict.fromkeys(answer + request if born else request + answer))


def types():
    with open(HERE / "resource_types.csv") as table:
        for row in csv.DictReader(table, delimiter=";"):
            yield row["service"], row["type"]


def main():
    known = {}
    for service, full in types():
        known[service, full.rsplit("::", 1)[1].lower()] = full
    with open(HERE / "tag_operations.csv") as table:
        creates = {(s, r["operation"]) for r in csv.DictReader(table, delimiter=";") if r["kind"] == "create" for s in r["source"].split("|")}
        table.seek(0)
        tagging = {(s, r["operation"]) for r in csv.DictReader(table, delimiter=";") if r["kind"] != "create" for s in r["source"].split("|")}
    with open(HERE / "families.csv") as table:
        by_hand = {(s, o) for r in csv.DictReader(table, delimiter=";") for s in r["source"].split("|") for o in r["operation"].split("|")}
    listed = IAM | LOGGING | NETWORK | KMS | WORKLOAD
    rows = {}
    for service, model in services():
        where = sources(service, model)
        for operation in model.operation_names:
            key = (where[0], operation)
            if key in by_hand or any((s, operation) in tagging for s in where) or READS.match(operation):
                continue
            if service not in listed and not any((s, operation) in creates for s in where):
                continue
            bare = re.sub(r"^(Batch|Admin|Bulk)(?=[A-Z])", "", operation)
            verb = re.match(r"[A-Z][a-z]+", bare)
            if not verb or verb.group() not in PAST:
                continue
            noun = bare[verb.end():] or model.service_name.title()
            kind = f"{snake(singular(noun))}_{PAST[verb.group()]}"
            arn_service = next((s for s in (model.signing_name, *where) if (s, singular(noun).lower()) in known), None)
            full = known.get((arn_service, singular(noun).lower()), "")
            row = (family(service, noun), kind, full, paths(model, operation, verb.group(), noun), "", "", "")
            rows.setdefault(key, row)
            if len(where) > 1:
                for other in where[1:]:
                    if (other, operation) not in by_hand:
                        rows.setdefault((other, operation), row)
    together = {}
    for (source, operation), row in sorted(rows.items()):
        together.setdefault((operation, row), []).append(source)
    with open(HERE / "calls.csv", "w", newline="") as out:
        table = csv.writer(out, delimiter=";", lineterminator="\n")
        table.writerow(["source", "operation", "family", "kind", "type", "id", "name", "details", "reads"])
        for (operation, row), where in sorted(together.items()):
            table.writerow(["|".join(where), operation, *row])


if __name__ == "__main__":
    main()
