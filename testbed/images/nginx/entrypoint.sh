#!/bin/sh
# Runs what is in /docker-entrypoint.d before nginx starts, as the nginx-unprivileged image does; any other command
# starts at once. The order is that of the names. `.envsh` is read by this shell, so that it can set variables.
set -eu

case ${1:-} in
nginx | nginx-debug)
    for hook in /docker-entrypoint.d/*; do
        [ -x "$hook" ] || continue
        case $hook in
        *.envsh)
            # shellcheck source=/dev/null
            . "$hook"
            ;;
        *.sh) "$hook" ;;
        esac
    done
    ;;
esac
exec "$@"
