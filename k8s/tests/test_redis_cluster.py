"""The scripts of the overlay `cluster` with real Redis processes in the place of pods: they form a cluster, and
hold it together whatever Kubernetes does to the pods."""

import shutil
import signal
import time
from contextlib import closing, contextmanager

import pytest

from redis_pods import RedisPods
from shards import KEYS, MACHINES, NEEDS, everything_is_there, ids, well

pytestmark = NEEDS


def test_no_shard_is_on_one_machine_and_no_machine_has_two_masters(pods):
    shards = well(pods)
    assert len({MACHINES[master] for master in shards}) == 3
    apart = (MACHINES[master] != MACHINES[replica] for master, replicas in shards.items() for replica in replicas)
    assert all(apart), pods.story()
    assert sorted(row["slots"] for row in pods.table() if row["slots"]) == [5461, 5461, 5462]


def test_no_pod_joins_before_those_before_it_are_heard_of(tmp_path):
    with closing(RedisPods(tmp_path)) as pods:
        for pod in range(6):
            pods.start(pod, MACHINES[pod])
        with held(pods, 4, 5):
            pods.wait(lambda: any("slave" in row["flags"] for row in pods.table(0)))
            # Of the messages on the bus these are MEET: pod 0, whom all others ask, does not hear of pod 4.
            assert pods.ask(0, "debug", "drop-cluster-packet-filter", "2") == "OK"
            for pod in (4, 5):
                assert pods.script("join-once.sh", pod).returncode == 0
            assert [len(pods.table(pod)) for pod in (4, 5)] == [2, 1], pods.story()
            assert pods.ask(0, "debug", "drop-cluster-packet-filter", "-1") == "OK"
        well(pods)


@contextmanager
def held(pods, *numbers):
    """These pods run no join.sh by themselves; join-once.sh is what they would run."""
    scripts = [pods.folder / f"pod-{pod}/join.sh" for pod in numbers]
    for script in scripts:
        script.rename(script.with_name("join-once.sh"))
        script.write_text("#!/bin/true\n")
        script.chmod(0o755)
    try:
        yield
    finally:
        for script in scripts:
            script.with_name("join-once.sh").rename(script)


def test_clients_are_sent_to_names(pods):
    master = next(pod for pod in well(pods) if pods.ask(pod, "get", KEYS[0]) == KEYS[0])
    other = next(pod for pod in range(6) if pod != master)
    assert pods.ask(other, "get", KEYS[0]).endswith(f"larder-redis-{master}.larder-redis:6379")


def test_a_pod_comes_back_at_another_address(pods):
    before = ids(pods)
    pods.end(2)
    pods.start(2, MACHINES[2])
    well(pods)
    assert ids(pods) == before
    everything_is_there(pods)


def test_two_pods_take_the_addresses_of_each_other(pods):
    before, (one, other) = ids(pods), (pods.addresses[1], pods.addresses[4])
    pods.end(1, 4)
    pods.start(1, MACHINES[1], other)
    pods.start(4, MACHINES[4], one)
    well(pods)
    assert ids(pods) == before
    everything_is_there(pods)


def test_all_pods_come_back_at_new_addresses(pods):
    before = ids(pods)
    pods.end(*range(6))
    for pod in range(6):
        pods.start(pod, MACHINES[pod])
    well(pods)
    assert ids(pods) == before
    everything_is_there(pods)


def test_a_replica_never_copies_whoever_has_its_masters_old_address(pods):
    shards, before = well(pods), ids(pods)
    masters, replicas = list(shards), [replica for (replica,) in shards.values()]
    next_of = {pod: row[(i + 1) % 3] for row in (masters, replicas) for i, pod in enumerate(row)}
    had = dict(pods.addresses)
    pods.end(*range(6))
    for pod in range(6):
        pods.start(pod, MACHINES[pod], had[next_of[pod]])
    shards = well(pods)
    assert ids(pods) == before
    everything_is_there(pods)
    for (replica,) in shards.values():
        assert pods.log(replica).count("Full resync from master") <= 1, pods.log(replica)


def test_a_replica_that_asks_the_old_address_is_told_the_new_one(pods):
    """Redis goes on doing so when the new one reached it as gossip, which a test cannot time: so a double of
    redis-cli tells of another address than there is."""
    master, (replica,) = next(iter(well(pods).items()))
    assert "my master is at" not in pods.script("join.sh", replica).stdout
    with redis_cli(pods, r"sed 's/^master_host:[^\r]*/master_host:192.0.2.1/'"):
        done = pods.script("join.sh", replica)
    assert f"my master is at {pods.addresses[master]} now\nOK" in done.stdout
    well(pods)


def test_no_place_is_free_while_a_replica_has_no_master_yet(pods):
    """A node that is new itself tells of replicas before it knows whom they copy, which a test cannot time."""
    (_, (lost,)), (other, (replica,)) = list(well(pods).items())[:2]
    before = ids(pods)
    lose_volume(pods, lost)
    with held(pods, lost):
        pods.wait(lambda: pods.ask(lost, "ping") == "PONG")
        assert pods.script("join-once.sh", lost).returncode == 0
        pods.wait(lambda: len([row for row in pods.table(lost) if row["slots"]]) == 3)
        with redis_cli(pods, f"sed '/^{before[replica]}/s/{before[other]}/-/'"):
            assert "becoming" not in pods.script("join-once.sh", lost).stdout
    assert well(pods)[other] == {replica}
    forget(pods, before[lost])


@contextmanager
def redis_cli(pods, changed):
    """A double of redis-cli, which says something else than Redis."""
    double = pods.folder / "bin/redis-cli"
    double.write_text(f'#!/bin/bash\n{shutil.which("redis-cli")} "$@" | {changed}\n')
    double.chmod(0o755)
    try:
        yield
    finally:
        double.unlink()


@pytest.mark.parametrize("lost", ["replica", "master"])
def test_a_lost_volume_is_filled_again(pods, lost):
    shards = well(pods)
    master, (replica,) = next((m, r) for m, r in shards.items() if 0 not in {m, *r})
    pod, stays = (replica, master) if lost == "replica" else (master, replica)
    before = ids(pods)
    lose_volume(pods, pod)
    assert well(pods)[stays] == {pod}
    after = ids(pods)
    assert after[pod] != before[pod] and after[stays] == before[stays]
    everything_is_there(pods)
    forget(pods, before[pod])


def test_a_lost_node_whose_pod_is_back_holds_no_place(pods):
    (master, (first,)), (other, (second,)) = list(well(pods).items())[:2]
    before = ids(pods)
    lose_volume(pods, first)
    assert well(pods)[master] == {first}
    # What is left of the first pod's lost node still says that it copies this master.
    for replica, copied in (first, other), (second, master):
        assert pods.ask(replica, "cluster", "replicate", before[copied]) == "OK"
    pods.wait(lambda: well(pods)[other] == {first})
    lose_volume(pods, second)
    assert well(pods)[master] == {second}
    everything_is_there(pods)
    forget(pods, before[first], before[second])


def lose_volume(pods, pod):
    pods.end(pod, how=signal.SIGKILL)
    shutil.rmtree(pods.volume(pod))
    pods.start(pod, MACHINES[pod])


def forget(pods, *gone):
    for ident in gone:
        pods.ask(0, "--cluster", "call", f"{pods.addresses[0]}:6379", "cluster", "forget", ident)
    pods.wait(lambda: not any(row["id"] in gone for pod in pods.processes for row in pods.table(pod)))


def test_the_masters_alone_are_a_backup(pods):
    shards, before = well(pods), ids(pods)
    pods.end(*range(6), how=signal.SIGKILL)
    for (replica,) in shards.values():
        shutil.rmtree(pods.volume(replica))
    for pod in range(6):
        pods.start(pod, MACHINES[pod])
    assert set(well(pods)) == set(shards)
    assert all(ids(pods)[master] == before[master] for master in shards)
    everything_is_there(pods)
    forget(pods, *(before[replica] for (replica,) in shards.values()))


def test_the_first_pod_without_its_volume_forms_no_second_cluster(pods):
    well(pods)
    before = ids(pods)
    lose_volume(pods, 0)
    well(pods)
    assert {pod: i for pod, i in ids(pods).items() if pod != 0} == {pod: i for pod, i in before.items() if pod != 0}
    everything_is_there(pods)
    forget(pods, before[0])


def test_who_has_keys_and_no_place_is_left_alone(pods):
    (replica,) = well(pods)[next(iter(pods.shards()))]
    pods.end(replica)
    kept = (pods.volume(replica) / "nodes.conf").rename(pods.folder / "nodes.conf")
    pods.start(replica, MACHINES[replica])
    pods.wait(lambda: "holds keys, and knows no cluster" in pods.log(replica))
    time.sleep(2)
    assert len(pods.table(replica)) == 1
    pods.end(replica)
    kept.rename(pods.volume(replica) / "nodes.conf")
    pods.start(replica, MACHINES[replica])
    well(pods)


def test_a_master_hands_over_before_it_ends(pods):
    master, (replica,) = next(iter(well(pods).items()))
    done = pods.script("step-down.sh", master)
    assert done.returncode == 0, done.stderr
    assert "role:slave" in pods.ask(master, "info", "replication")
    assert pods.script("step-down.sh", master).returncode == 0
    assert well(pods)[replica] == {master}
    everything_is_there(pods)


def test_a_replica_is_ready_when_it_has_caught_up(pods):
    (replica,) = next(iter(well(pods).values()))
    assert pods.script("ready.sh", replica).returncode == 0
    password = pods.ask(replica, "config", "get", "masterauth").splitlines()[1]
    pods.ask(replica, "config", "set", "masterauth", "wrong")
    pods.ask(replica, "client", "kill", "type", "master")
    pods.wait(lambda: pods.script("ready.sh", replica).returncode != 0)
    pods.ask(replica, "config", "set", "masterauth", password)
    well(pods)


def test_a_replica_is_not_ready_before_it_has_found_the_masters(pods):
    """They vote when it is to take over. Here it finds only its own, until gossip brings the others."""
    master, (replica,) = next(iter(well(pods).items()))
    pods.end(replica)
    with held(pods, *pods.processes):
        pods.start(replica, MACHINES[replica])
        with held(pods, replica):
            pods.wait(lambda: pods.ask(replica, "ping") == "PONG")
            assert pods.ask(replica, "cluster", "meet", pods.addresses[master], "6379") == "OK"
            pods.wait(lambda: "master_link_status:up" in pods.ask(replica, "info", "replication"))
            for _ in range(20):
                if pods.script("ready.sh", replica).returncode == 0:
                    found = {row["address"] for row in pods.table(replica) if row["slots"]}
                    assert found <= set(pods.addresses.values()), pods.ask(replica, "cluster", "nodes")
    well(pods)


def test_a_pod_without_its_volume_is_not_ready_before_it_has_its_place(pods):
    (replica,) = next(iter(well(pods).values()))
    before = ids(pods)
    lose_volume(pods, replica)
    with held(pods, replica):
        pods.wait(lambda: pods.ask(replica, "ping") == "PONG")
        assert pods.script("ready.sh", replica).returncode != 0
        assert pods.script("join-once.sh", replica).returncode == 0
        pods.wait(lambda: "cluster_state:ok" in pods.ask(replica, "cluster", "info"))
        assert [row["slots"] for row in pods.table(replica) if "myself" in row["flags"]] == [0]
        assert pods.script("ready.sh", replica).returncode != 0
    well(pods)
    forget(pods, before[replica])


def test_more_pods_are_more_masters_and_fewer_are_fewer(pods):
    before = well(pods)
    for pod in (6, 7):
        pods.start(pod, "d")
    after = well(pods, masters=4)
    assert after == before | {6: {7}}

    def has():
        return next(row["slots"] for row in pods.table() if row["pod"] == 6)

    id_of = ids(pods)
    giver = next(pod for pod in before)
    reshard(pods, id_of[giver], id_of[6])
    pods.wait(lambda: has() == 20)
    well(pods, masters=4)
    everything_is_there(pods)

    reshard(pods, id_of[6], id_of[giver])
    pods.wait(lambda: has() == 0)
    pods.end(6, 7)
    forget(pods, id_of[6], id_of[7])
    assert well(pods) == before
    everything_is_there(pods)


def reshard(pods, giver, taker):
    """Some slots only: `--cluster rebalance` does the same, and takes minutes on a busy disk."""
    some = ("--cluster-from", giver, "--cluster-to", taker, "--cluster-slots", "20", "--cluster-yes")
    pods.ask(0, "--cluster", "reshard", f"{pods.addresses[0]}:6379", *some)
