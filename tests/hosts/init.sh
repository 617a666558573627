#!/bin/sh
# What a host starts when it has no systemd: its engine, if it has one, and the ssh server.
# Mounts made for containers have to reach them: a host's root is shared, as with systemd.
mount --make-rshared /
ip link set lo up
if [ -x /usr/sbin/dockerd ]; then
    rm -f /var/run/docker.pid
    setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
fi
exec tini -s -g -- /usr/sbin/sshd -D -e
