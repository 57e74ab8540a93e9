"""secrets.sh, by itself and as deploy.sh calls it: makes what is missing, keeps what is there, tells nobody."""

import base64
import hashlib
import json

import pytest
import yaml

from doubles import changes, deploy
from policies.redis_address import ENTRY
from rendering import secrets_made_by_script


def test_secrets_that_are_there_stay(bench):
    bench.rules(
        ["get secret larder-(redis|tokens|client)$", {}],
        ["get secret larder-tokens --output", {"out": "W3sibmFtZSI6ICJjaSJ9XQ=="}],
    )
    done = deploy(bench)
    assert done.returncode == 0, done.stderr
    assert [c for c in bench.calls if "create" in c] == []


@pytest.mark.parametrize("stored", ["", "W10=", "bnVsbA=="])
def test_a_store_without_tokens_is_refused(bench, stored):
    bench.rules(
        ["get secret larder-(redis|tokens|client)$", {}], ["get secret larder-tokens --output", {"out": stored}]
    )
    done = deploy(bench)
    assert done.returncode == 1 and "every request would be answered with 500" in done.stderr
    assert len(bench.inputs("apply")) == 1


def test_an_interrupted_start_keeps_its_token(bench):
    bench.rules(["get secret larder-client$", {}])
    assert deploy(bench).returncode == 0
    made = [yaml.safe_load(text.replace("---", "")) for text in bench.inputs("create")]
    assert [m["metadata"]["name"] for m in made] == ["larder-redis", "larder-tokens"]


def test_production_has_to_be_told_where_redis_is(bench):
    done = deploy(bench, "--overlay", "production")
    assert done.returncode == 1 and "LARDER_REDIS=rediss://" in done.stderr
    assert len(bench.inputs("apply")) == 1


def test_production_takes_redis_from_the_environment(bench):
    bench.rules(["get statefulset", {}])
    done = deploy(bench, "--overlay", "production", LARDER_REDIS="rediss://larder:p%40ss@redis.example.com")
    assert done.returncode == 0, done.stderr
    assert not any("p%40ss" in c or "p@ss" in c for c in bench.calls)


def test_what_is_made_for_production_is_little():
    redis, client, tokens = secrets_made_by_script("production")
    assert [s["metadata"]["name"] for s in (redis, client, tokens)] == [
        "larder-redis",
        "larder-client",
        "larder-tokens",
    ]
    redis = {key: base64.b64decode(value).decode() for key, value in redis["data"].items()}
    assert redis == {
        "address": "rediss://redis.example.com:6380",
        "username": "larder",
        "password": "p@ss",
        "url": "rediss://larder:p%40ss@redis.example.com:6380",
        "nodes": "",
    }
    token = base64.b64decode(client["data"]["token"])
    (entry,) = json.loads(base64.b64decode(tokens["data"]["api-tokens"]))
    digest = hashlib.sha256(token).hexdigest()
    assert entry == {"name": "larder-client", "digest": digest, "scopes": ["read", "write"], "prefixes": ["smoke/"]}


def test_several_hosts_are_taken_each_with_its_port(bench):
    url = "rediss://larder:p%40ss@a.example.com,b.example.com:7000,[fd00::1]/"
    done = print_secrets(bench, url, "rediss://*:*")
    assert done.returncode == 0, done.stderr
    redis = redis_of(yaml.safe_load_all(done.stdout))
    hosts = "a.example.com:6379,b.example.com:7000,[fd00::1]:6379"
    assert redis["nodes"] == f"rediss://{hosts}" and redis["url"] == f"rediss://larder:p%40ss@{hosts}"
    assert redis["address"] == "rediss://*:*"


def print_secrets(bench, url, address):
    settings = {"LARDER_REDIS": url, "LARDER_REDIS_ADDRESS": address}
    return bench.run("secrets.sh", "--overlay", "production", "--print", **settings)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://a.store.example,b.store.example", "redis://*.store.example:6379"),
        ("rediss://u:p@clustercfg.store.example:7000", "rediss://*.store.example:7000"),
        ("redis://10.1.2.3,10.4.5.6:6379", "redis://10.0.0.0/8:6379"),
        ("redis://[fd00::1]", "redis://fd00::/8:6379"),
        ("redis://redis-leader", "redis://*:6379"),
        ("redis://a.store.example:26379", "redis://*.store.example:*"),
        ("redis://redis", "redis://redis:6379"),
    ],
)
def test_a_pattern_that_matches_the_nodes_is_taken(bench, url, address):
    done = print_secrets(bench, url, address)
    assert done.returncode == 0, done.stderr
    redis = redis_of(yaml.safe_load_all(done.stdout))
    assert redis["address"] == address and ENTRY.fullmatch(address)
    assert redis["nodes"].partition("://")[2] in redis["url"]


@pytest.mark.parametrize(
    ("url", "address", "said"),
    [
        ("redis://a,b", "", "LARDER_REDIS names 2 hosts"),
        ("redis://a,b", "redis://a:6379,b:6379", "must be one pattern"),
        ("redis://a,b", "redis://*", "must be one pattern"),
        ("redis://a,b", "*:6379", "must be one pattern"),
        ("redis://a,b", "rediss://*:6379", "must be one pattern with the scheme of LARDER_REDIS"),
        ("redis://a,b", "redis://*.*.example:6379", "must be one pattern"),
        ("redis://a,b", "redis://u:p@*:6379", "must be one pattern"),
        ("redis://a.example,b.example", "redis://*.store.example:6379", "does not match a.example:6379"),
        ("redis://a.example,b.other", "redis://*.example:6379", "does not match b.other:6379"),
        ("redis://a,b:7000", "redis://*:6379", "does not match b:7000"),
        ("redis://redis-leader", "redis://10.0.0.0/8:6379", "does not match redis-leader:6379"),
        ("redis://a,b", "redis://a:6379", "does not match b:6379"),
    ],
)
def test_where_the_component_could_not_connect_to_is_refused(bench, url, address, said):
    done = print_secrets(bench, url, address)
    assert done.returncode == 1 and said in done.stderr
    assert "kind" not in done.stdout


def test_a_list_where_an_address_belongs_is_found_in_a_secret_that_is_there(bench):
    stored = base64.b64encode(b"redis://a:6379,b:6379").decode()
    bench.rules(
        ["get secret larder-(redis|tokens|client)$", {}], ["get secret larder-redis --output", {"out": stored}]
    )
    done = deploy(bench, "--overlay", "cluster")
    assert done.returncode == 1 and "has a list under address, which Spin refuses" in done.stderr
    assert len(bench.inputs("apply")) == 1


@pytest.mark.parametrize("overlay", ["dev", "cluster"])
def test_a_redis_of_ours_gets_a_password_that_its_replicas_know(overlay):
    redis = redis_of(secrets_made_by_script(overlay))
    password = redis["password"]
    assert len(password) > 40
    assert redis["auth.conf"] == f"requirepass {password}\nmasterauth {password}"
    assert redis["url"] == (redis["nodes"] or redis["address"]).replace("redis://", f"redis://:{password}@")


def redis_of(documents):
    secret = next(d for d in documents if d and d["metadata"]["name"] == "larder-redis")
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


@pytest.mark.parametrize("url", ["redis.example.com", "http://redis", "redis://host/3", "redis://u:p@ss@host", "redis://a,,b", "redis://a,"])
def test_what_is_no_redis_url_is_refused(bench, url):
    done = bench.run("secrets.sh", "--overlay", "production", LARDER_REDIS=url)
    assert done.returncode == 1 and "must look like rediss://" in done.stderr
    assert changes(bench.calls) == []
