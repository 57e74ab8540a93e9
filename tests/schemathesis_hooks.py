"""What Schemathesis does not know of by itself."""

import json

import schemathesis
from hypothesis import strategies

# A string in quotes (RFC 9651). Without this it makes a number for such a header.
schemathesis.openapi.format("sf-string", strategies.from_regex(r'"[ !#-\[\]-~]{1,255}"', fullmatch=True))


# For */* it would make YAML, XML or a form of some structure, and judge the structure. For us these
# are bytes; those of text/plain will do.
@schemathesis.hook
def before_load_schema(context, raw_schema):
    for method in ("put", "post"):
        del raw_schema["paths"]["/items/{id}"][method]["requestBody"]["content"]["*/*"]


# One JSON value a line; for the schema, an array.
@schemathesis.serializer("application/x-ndjson")
def write_lines(context, value):
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    return [json.loads(line) for line in response.content.decode().splitlines()]
