#!/bin/sh
# Lets the default server listen on IPv6 too, where the kernel has it and the file is as it was shipped.
set -eu

conf=/etc/nginx/conf.d/default.conf
say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

if [ ! -e /proc/net/if_inet6 ]; then
    say "the kernel has no IPv6"
elif ! cmp -s $conf /usr/share/nginx/default.conf; then
    say "$conf is not the one of the image and stays as it is"
elif [ ! -w $conf ] || [ ! -w /etc/nginx/conf.d ]; then
    say "$conf cannot be written; is the file system read-only?"
else
    sed -i 's/^\( *\)listen 8080;/&\n\1listen [::]:8080;/' $conf
    say "$conf listens on IPv6 too"
fi
