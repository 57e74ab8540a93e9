#!/usr/bin/env bash
# Gives the node of this pod its place in the cluster, and keeps it there. start.sh runs it again and
# again. Each run takes the step that is due, and most find none:
#
#   form    no pod has a place yet: pod 0 gives the slots to MASTERS of the nodes.
#   join    this node knows nobody: it meets the others, once all pods before it have their places.
#   settle  it met them: it becomes the replica of a master that has less than REPLICAS. Only of the pods
#           beyond MASTERS * (1 + REPLICAS) each first one of a group stays a master, without slots, for
#           `redis-cli --cluster rebalance` to fill; the others of its group are its replicas.
#   find    it does not reach a node that it knows: it looks whether the pod has another address now.
#   follow  it is a replica: it copies its master from where the master is now.
#
# One pod after the other, so that two never choose the same master. A node keeps its place in nodes.conf
# on its volume; so whoever knows nobody is new, or has lost its volume.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"
: "${POD_NAME:?}" "${NODE_NAME:?}" "${MASTERS:?}" "${REPLICAS:?}"

ordinal=${POD_NAME##*-}
pods=$((MASTERS * (1 + REPLICAS)))

say() { echo "join: $*"; }

join() {
    local n address member=
    for ((n = 0; n < ordinal; n++)); do
        if ! address=$(pod_address "$n") || [ "$(known_by "$address")" -le 1 ]; then return 0; fi
        member=${member:-$address}
    done
    # Before pod 0 there is nobody. If it has lost its volume, the others are there.
    for ((n = 1; n < pods && ordinal == 0; n++)); do
        if address=$(pod_address "$n") && [ "$(known_by "$address")" -gt 1 ]; then member=$address; fi
    done
    if [ "$(own dbsize)" != 0 ]; then
        say "this node holds keys, and knows no cluster: where is its nodes.conf? It stays alone."
    elif [ -z "$member" ]; then
        if [ "$ordinal" = 0 ]; then form; fi
    elif masters_in_need "$member" >/dev/null; then
        say "meeting the cluster at $member"
        own cluster meet "$member" "$PORT"
    fi
}

# The masters are on as many machines as can be: a majority of them has to outlive one.
form() {
    local n address machine places='' masters nodes=()
    for ((n = 0; n < pods; n++)); do
        if ! address=$(pod_address "$n") || ! machine=$(machine_of "$address") ||
            [ "$(known_by "$address")" != 1 ] || [ "$(at "$address" dbsize)" != 0 ]; then return 0; fi
        places+="$machine $n $address"$'\n'
    done
    masters=$(printf %s "$places" | sort -k 1,1 -k 2,2n | awk '{ print ++taken[$1], $1, $3 }' |
        sort -k 1,1n -k 2,2 | head -n "$MASTERS" | cut -d ' ' -f 3)
    say "forming a cluster with the masters ${masters//$'\n'/ }"
    for address in $masters; do
        # An earlier run may have been interrupted, and have left slots behind.
        at "$address" cluster reset hard
        nodes+=("$address:$PORT")
    done
    timeout 60 redis-cli --cluster create "${nodes[@]}" --cluster-yes
}

# It asks the table of another node: its own has gaps in the first seconds.
settle() {
    local peer masters chosen
    peer=$(printf '%s\n' "$table" | awk '
        $3 !~ /myself|fail|handshake|noaddr/ && $8 == "connected" && !peer { peer = $2 }
        END { sub(/:[0-9]+@.*/, "", peer); print peer }')
    if [ -n "$peer" ] && masters=$(masters_in_need "$peer") && [ -n "$masters" ]; then
        chosen=$(printf '%s\n' "$masters" | nearest)
        say "becoming a replica of $chosen"
        own cluster replicate "$chosen"
    fi
}

# masters_in_need ADDRESS: id and address of each master that has less than REPLICAS, as the node at ADDRESS
# tells. Fails where that cannot be told now: a master that has slots is away, or a pod before this one has
# not settled yet, or has not been heard of there: it meets the others at this moment. Nor where that node is new
# itself, and does not know yet whom a replica copies. An earlier node of this pod, or of one that is back as another,
# lost its volume and does not count.
masters_in_need() {
    local me told
    if ! me=$(own cluster myid) || ! told=$(at "$1" cluster nodes); then return 1; fi
    printf '%s\n' "$told" | awk -v me="$me" -v ordinal="$ordinal" -v pods="$pods" -v replicas="$REPLICAS" '
        $1 == me { next }
        {
            named = match($2, /-[0-9]+\./)
            pod = substr($2, RSTART + 1, RLENGTH - 2) + 0
            sub(/:[0-9]+@.*/, "", $2)
        }
        named { heard_of[pod] }
        $3 ~ /handshake/ || (!named && $3 !~ /fail/) { unsure = 1 }
        $3 ~ /master/ && NF > 8 && ($3 ~ /fail/ || pod == ordinal) { unsure = 1 }
        pod == ordinal { next }
        named && $3 !~ /fail/ { back[pod] }
        $3 ~ /slave/ && $3 ~ /fail/ { missed[$1] = $4; was[$1] = pod }
        $3 ~ /slave/ && $3 !~ /fail/ { has[$4]++; if ($4 == "-") unsure = 1 }
        $3 ~ /master/ && $3 !~ /fail/ { address[$1] = $2; slots[$1] = NF > 8; number[$1] = pod }
        END {
            for (n = 0; n < ordinal; n++) if (!(n in heard_of)) unsure = 1
            for (id in missed) if (!(was[id] in back)) has[missed[id]]++
            for (id in address) {
                settled = slots[id] || has[id] || (number[id] >= pods && number[id] % (1 + replicas) == 0)
                if (!settled && number[id] < ordinal) unsure = 1
                if (settled && has[id] < replicas) need[id]
            }
            if (unsure) exit 1
            for (id in need) print id, address[id]
        }'
}

# Of masters on standard input the one to copy: not on this machine; rather on one with a pod that still
# waits, which could not take it; and else on the next machine in the order of their names. So none is left
# with a master on its own machine, however six pods are on two machines or more.
nearest() {
    local n id address told machine here free before crowded=' '
    for ((n = ordinal + 1; n < pods; n++)); do
        if address=$(pod_address "$n") && told=$(at "$address" cluster nodes) &&
            [ "$(printf '%s\n' "$told" | standing)" != placed ]; then
            crowded+="$(machine_of "$address") "
        fi
    done
    while read -r id address; do
        machine=$(machine_of "$address") here=0 free=1 before=0
        if [ "$machine" = "$NODE_NAME" ]; then here=1; fi
        if [[ $crowded == *" $machine "* ]]; then free=0; fi
        if [[ $machine < $NODE_NAME ]]; then before=1; fi
        echo "$here$free$before $machine $id"
    done | sort | awk 'NR == 1 { print $3 }'
}

# By its name; and met only where the very node answers, as an address may be somebody else's by now.
find_again() {
    local id place flags link known address
    printf '%s\n' "$table" | while read -r id place flags _ _ _ _ link _; do
        case $flags,$link in
            *myself* | *handshake*) continue ;;
            *fail* | *noaddr* | *,disconnected) ;;
            *) continue ;;
        esac
        known=${place%%@*}
        if address=$(address_of "${place##*,}") && [ "$address" != "${known%:*}" ] &&
            [ "$(at "$address" cluster myid)" = "$id" ]; then
            say "${place##*,} is at $address now"
            own cluster meet "$address" "$PORT"
        fi
    done
}

# Redis goes on asking the old address where it heard of the new one from others. What it asks is read before what it
# should: whoever gives it another master meanwhile is not contradicted.
follow() {
    local asked found master address
    asked=$(own info replication)
    found=$(own cluster nodes | awk '
        $3 ~ /myself/ { master = $4 }
        { sub(/:[0-9]+@.*/, "", $2); address[$1] = $2 }
        END { print master, address[master] }')
    master=${found% *} address=${found#* }
    if [ -n "$address" ] && [[ $asked != *master_host:"$address"$'\r'* ]]; then
        say "my master is at $address now"
        own cluster replicate "$master"
    fi
}

# Redis may not be up yet, or still read its file. (No here-documents: bash would want a place to write.)
table=$(own cluster nodes 2>/dev/null) || exit 0
case $(printf '%s\n' "$table" | standing) in
    alone) join ;;
    new) find_again && settle ;;
    placed) find_again && follow ;;
esac
