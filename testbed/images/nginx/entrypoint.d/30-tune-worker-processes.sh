#!/bin/sh
# As many workers as the container may use processors, if NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE is set: `auto`
# counts those of the machine.
set -eu

[ -n "${NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE:-}" ] || exit 0
conf=/etc/nginx/nginx.conf
if [ ! -w $conf ] || [ ! -w /etc/nginx ]; then
    echo "$0: $conf cannot be written; is the file system read-only?"
    exit 0
fi
number=$(nproc)
# What the container may use in a period, both in microseconds: by cgroup v2, or by v1, where -1 is no limit.
read -r quota period </sys/fs/cgroup/cpu.max 2>/dev/null ||
    {
        read -r quota </sys/fs/cgroup/cpu/cpu.cfs_quota_us && read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us
    } 2>/dev/null || quota=max
if [ "$quota" != max ] && [ "$quota" -gt 0 ]; then
    allowed=$(((quota + period - 1) / period))
    [ "$allowed" -ge "$number" ] || number=$allowed
fi
sed -i "s/^worker_processes .*/worker_processes $number;/" $conf
