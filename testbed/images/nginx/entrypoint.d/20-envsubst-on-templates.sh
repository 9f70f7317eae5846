#!/bin/sh
# Fills environment variables in templates; a `$name` that is no variable of the environment stays nginx's.
set -eu

from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

[ -d "$from" ] || exit 0
if [ ! -w "$to" ]; then
    say "$to cannot be written, so $from is left out"
    exit 0
fi
# shellcheck disable=SC2016 # envsubst expands the names
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -e "${NGINX_ENVSUBST_FILTER:-}" |
    sed 's/.*/${&}/' | tr '\n' ' ')
find -L "$from" -type f -name "*$suffix" | while read -r template; do
    made=$to/${template#"$from"/}
    made=${made%"$suffix"}
    mkdir -p "${made%/*}"
    say "$template becomes $made"
    envsubst "$names" <"$template" >"$made"
done
