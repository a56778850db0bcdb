"""Writes tag_operations.csv: every AWS operation that sets or removes tags, from botocore's models.

Columns: source (event sources without `.amazonaws.com`, `|` between), operation, kind (add, remove, replace, create),
resource (members that name the resource, the most exact first), tags (member:shape that carries tags or keys).
"""

import csv
import pathlib
import re

from botocore_model import services, shape_word, sources

VERBS = re.compile(
    r"(Tag|Untag)([A-Z].*)?|(Add|Remove|Create|Delete|CreateOrUpdate)Tags|AddLFTagsToResource|RemoveLFTagsFromResource"
    r"|(Add|Remove)Tags(To|From)[A-Z].*|(Set|Change|Update)TagsFor[A-Z].*|DeleteTagsForDomain|(Put|Delete)[A-Za-z]*Tagging"
)
REMOVING = re.compile(r"(Untag|Remove|Delete)")
# Members that say how, not what.
NOT_RESOURCES = re.compile(
    r"(clientToken|ruleRevision|accountId|ExpectedBucketOwner|ContentMD5|ChecksumAlgorithm|RequestPayer|VersionId"
    r"|CatalogId|ResourceType|ServiceType|DryRun|clientRequestToken|InstanceArn|Keys)$",
    re.I,
)
TAG_MEMBERS = re.compile(r"(LF)?(Resource)?(Tag|Tags|TagList|TagsList|TagKeys?|TagKeyList|Tagging|TagsModel|TagsTo[A-Z]\w*|AddTags|RemoveTagKeys)$", re.I)
# Tags given at creation.
CREATE_MEMBERS = {"Tags", "tags", "TagSpecifications", "TagList", "TagsList", "Tagging", "tagList"}
# Calls whose tags are somebody's message labels or a new version of an old set.
NOT_CREATING = re.compile(r"Send|Update|Modify|Describe|List|Get|Search|Authorize|Assume|Terminate|Publish")

# Where CloudTrail names members otherwise than the API does.
CLOUDTRAIL_MEMBERS = {
    ("ec2", "CreateTags"): ("resourcesSet.items.resourceId|Resources", "tagSet:list<{key,value}>|Tags:list<{Key,Value}>"),
    ("ec2", "DeleteTags"): ("resourcesSet.items.resourceId|Resources", "tagSet:list<{key,value}>|Tags:list<{Key,Value}>"),
    ("s3", "PutBucketTagging"): ("bucketName|Bucket", "Tagging:{TagSet}"),
    ("s3", "DeleteBucketTagging"): ("bucketName|Bucket", ""),
    ("s3", "PutObjectTagging"): ("bucketName|Bucket", "Tagging:{TagSet}"),
    ("s3", "DeleteObjectTagging"): ("bucketName|Bucket", ""),
}


def exactness(member):
    low = member.lower()
    return 0 if low.endswith(("arn", "arns", "arnlist")) else 1


def merged(old, new):
    both = zip(old[1:], new[1:])
    return (old[0], *("|".join(dict.fromkeys((a + "|" + b).strip("|").split("|"))) for a, b in both))


def main():
    rows = {}
    for name, model in services():
        for operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            members = dict(shape.members) if shape else {}
            if VERBS.fullmatch(operation):
                tags = [f"{m}:{shape_word(s)}" for m, s in members.items() if TAG_MEMBERS.fullmatch(m)]
                resources = [m for m in members if not TAG_MEMBERS.fullmatch(m)]
                named = [m for m in resources if not NOT_RESOURCES.fullmatch(m)] or resources
                if operation.startswith("Tag") and "Arn" not in "".join(members) and not tags:
                    continue
                if not members or (not tags and "Tagging" not in operation and "Keys" not in members):
                    continue
                if "Keys" in members and not tags:
                    tags = ["Keys:list<string>"]
                kind = "remove" if REMOVING.match(operation) else "add"
                if re.fullmatch(r"(Put|Delete)[A-Za-z]*Tagging", operation):
                    kind = "replace"
                if (name, operation) in CLOUDTRAIL_MEMBERS:
                    row = (kind, *CLOUDTRAIL_MEMBERS[name, operation])
                else:
                    row = (kind, "|".join(sorted(named, key=exactness)), "|".join(tags))
            else:
                found = [m for m in members if m in CREATE_MEMBERS]
                if not found or NOT_CREATING.match(operation):
                    continue
                row = ("create", "", f"{found[0]}:{shape_word(members[found[0]])}")
            # One event source can stand for several services: their members are read one after the other.
            for source in sources(name, model):
                old = rows.get((source, operation))
                rows[source, operation] = merged(old, row) if old else row
    together = {}
    for (source, operation), row in sorted(rows.items()):
        together.setdefault((operation, row), []).append(source)
    with open(pathlib.Path(__file__).parent / "tag_operations.csv", "w", newline="") as out:
        table = csv.writer(out, delimiter=";", lineterminator="\n")
        table.writerow(["source", "operation", "kind", "resource", "tags"])
        for (operation, row), where in sorted(together.items()):
            table.writerow(["|".join(where), operation, *row])


if __name__ == "__main__":
    main()
