"""The policies that every variant must keep.

A policy is a function that takes a `Cluster` and yields what is wrong with it, in words. So a test
can ask both ways: nothing is found in what we ship, and something is found in what was broken on
purpose.
"""

from policies import (
    data,
    disruption,
    identity,
    network,
    pods,
    redis_address,
    redis_cluster,
    references,
    security,
    tokens,
    webhooks,
)

MODULES = (
    pods,
    security,
    identity,
    references,
    network,
    disruption,
    tokens,
    data,
    redis_address,
    redis_cluster,
    webhooks,
)

ALL = [policy for module in MODULES for policy in module.POLICIES]
