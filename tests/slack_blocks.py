"""slack_blocks.py < PAYLOADS: Slack's own library takes every message, one JSON object a line, block by block.

Needs slack_sdk. Prints how many blocks it read; stops with a message and exit code 1 at the first that it refuses.
"""

import json
import sys

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

KNOWN = {"text", "blocks", "unfurl_links", "unfurl_media", "mrkdwn"}

blocks = 0
for number, line in enumerate(sys.stdin, 1):
    payload = json.loads(line)
    if unknown := set(payload) - KNOWN:
        sys.exit(f"message {number}: found {sorted(unknown)}, wanted members of an incoming webhook's message")
    if not payload["text"] or len(payload["text"]) > 150:
        sys.exit(f"message {number}: found a text of {len(payload['text'])} characters, wanted 1 to 150")
    if not 1 <= len(payload["blocks"]) <= 50:
        sys.exit(f"message {number}: found {len(payload['blocks'])} blocks, wanted 1 to 50")
    for found in payload["blocks"]:
        block = Block.parse(found)
        if block is None or not type(block) in Block.__subclasses__():
            sys.exit(f"message {number}: found a block of no known type: {found}")
        try:
            block.validate_json()
        except SlackObjectFormationError as error:
            sys.exit(f"message {number}: {error}: {found}")
        if block.to_dict() != found:
            sys.exit(f"message {number}: found {found}, read as {block.to_dict()}")
        blocks += 1
print(f"{blocks} blocks")
