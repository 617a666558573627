#!/bin/sh
# PID 1 of a host while it is put together, in namespaces of its own: enter.sh LOWER FOLDER NAME
# FOLDER has upper/ and work/ (its disk), docker/ (the engine's, which cannot lie on an overlay), root/ (where
# all meet) and, where layers of images are shared, a link seed.
set -eu
lower=$1 folder=$2 name=$3
root=$folder/root

mount --make-rprivate /
mount -t overlay host -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 run run
mkdir -p run/sshd run/lock

# The cgroup namespace makes each hierarchy show nothing but this host's part of it.
mounts=$(cat /proc/self/mounts)
mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
while read -r _ place kind options _; do
    [ "$kind" = cgroup ] || continue
    hierarchy=${place##*/}
    mkdir "sys/fs/cgroup/$hierarchy"
    case "$options" in
    *name=*) controllers=none,name=${options##*name=} ;;
    *) controllers=$hierarchy ;;
    esac
    mount -t cgroup -o "${controllers%%,release_agent*}" cgroup "sys/fs/cgroup/$hierarchy"
done <<END
$mounts
END

mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm dev/net dev/mqueue
for device in null zero full random urandom tty fuse kvm loop-control net/tun; do
    if [ -e "/dev/$device" ]; then
        : >"dev/$device"
        mount --bind "/dev/$device" "dev/$device"
    fi
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t mqueue mqueue dev/mqueue
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

mkdir -p var/lib/docker
mount --bind "$folder/docker" var/lib/docker
if [ -e "$folder/seed" ]; then
    mkdir -p srv/seed
    mount --bind "$folder/seed" srv/seed
    mount -o remount,bind,ro srv/seed
fi

hostname "$name"
mkdir -p .before
pivot_root . .before
umount -l /.before
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux /bin/sh /etc/host-init
