"""Each policy finds nothing in what we ship, and something in what was broken on purpose."""

import pytest

import policies
from cluster import Cluster
from mutants import MUTANTS
from policies import tokens
from rendering import VARIANTS, render, secrets_made_by_script


def cluster(variant, break_it=lambda documents: None):
    documents = render(variant)
    break_it(documents)
    return Cluster(documents, secrets_made_by_script(VARIANTS[variant][0]))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("policy", policies.ALL, ids=lambda p: p.__name__)
def test_what_we_ship_keeps_the_policy(policy, variant):
    assert list(policy(cluster(variant))) == []


@pytest.mark.parametrize(
    ("policy", "variant", "break_it"), MUTANTS, ids=[f"{p.__name__}-{i}" for i, (p, *_) in enumerate(MUTANTS)]
)
def test_the_policy_finds_what_was_broken(policy, variant, break_it):
    assert list(policy(cluster(variant, break_it))) != []


def test_every_policy_has_been_seen_to_find_something():
    seen = {policy for policy, *_ in MUTANTS} | {tokens.the_made_tokens_are_a_list}
    assert [p.__name__ for p in policies.ALL if p not in seen] == []


def test_missing_tokens_are_found():
    assert list(tokens.the_made_tokens_are_a_list(Cluster(render("dev")))) != []
