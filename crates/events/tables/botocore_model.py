"""What the two table makers share: the botocore version they are pinned to, and event sources as CloudTrail writes them.

Run with `pip install botocore==1.44.5` in a virtual environment.
"""

import re

import botocore
import botocore.session

BOTOCORE = "1.44.5"

# Where CloudTrail's event source is neither the endpoint prefix nor the signing name (service -> name before
# `.amazonaws.com`).
EVENT_SOURCES = {
    "apigatewayv2": "apigateway",
    "appstream": "appstream",
    "cloudwatch": "monitoring",
    "cloudhsmv2": "cloudhsm",
    "docdb": "rds",
    "efs": "elasticfilesystem",
    "emr": "elasticmapreduce",
    "elbv2": "elasticloadbalancing",
    "application-autoscaling": "autoscaling",
    "lex-models": "lex",
    "lexv2-models": "lex",
    "location": "geo",
    "neptune": "rds",
    "opensearch": "es",
    "pinpoint": "mobiletargeting",
    "resourcegroupstaggingapi": "tagging",
    "s3control": "s3",
    "servicecatalog-appregistry": "servicecatalog",
    "ses": "ses",
    "sesv2": "ses",
    "sso-admin": "sso",
    "stepfunctions": "states",
    "timestream-write": "timestream",
}


def services():
    """Every service's name and model."""
    if botocore.__version__ != BOTOCORE:
        raise SystemExit(f"found botocore {botocore.__version__}, wanted {BOTOCORE}")
    session = botocore.session.get_session()
    for name in session.get_available_services():
        yield name, session.get_service_model(name)


def sources(name, model):
    """The event sources under which a service may appear, the likeliest first, without `.amazonaws.com`."""
    found = []
    prefix, signing = model.endpoint_prefix, model.signing_name
    for source in (EVENT_SOURCES.get(name), prefix if "." not in prefix else signing, signing, prefix):
        if source and source not in found:
            found.append(source)
    return found


def shape_word(shape):
    """`string`, `map`, `list<string>`, `list<{Key,Value}>` or `{Items}`."""
    if shape.type_name == "structure":
        return "{" + ",".join(shape.members) + "}"
    if shape.type_name == "list":
        return f"list<{shape_word(shape.member)}>"
    return "map" if shape.type_name == "map" else "string"


def snake(name):
    """`DBInstance` -> `db_instance`."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
