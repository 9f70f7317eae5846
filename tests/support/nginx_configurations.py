"""Configurations in the manner of those that people publish most, and mutations that break them or do not."""

import random

# ruff: noqa: E501 a configuration is easier to read in the lines that it has

HTTP = {
    "static site": "server { listen 8080; server_name example.com; root /usr/share/nginx/html; index index.html; }",
    "ipv6": "server { listen 8080 default_server; listen [::]:8080 default_server; return 204; }",
    "single-page app": "server { listen 8080; root /srv; location / { try_files $uri $uri/ /index.html; } "
    "location /assets/ { expires 1y; add_header Cache-Control 'public, immutable'; } }",
    "reverse proxy": "server { listen 8080; location / { proxy_pass http://127.0.0.1:9000; proxy_set_header Host $host; "
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; } }",
    "keep-alive": "upstream app { zone app 64k; least_conn; server 127.0.0.1:9000 max_fails=3 fail_timeout=5s; "
    "server 127.0.0.1:9001 backup; keepalive 32; } server { listen 8080; location / { proxy_pass http://app; "
    'proxy_http_version 1.1; proxy_set_header Connection ""; } }',
    "websockets": "map $http_upgrade $connection_upgrade { default upgrade; '' close; } server { listen 8080; "
    "location /ws { proxy_pass http://127.0.0.1:9000; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection $connection_upgrade; proxy_read_timeout 1h; } }",
    "grpc": "server { listen 8080; http2 on; location /svc.Api/ { grpc_pass grpc://127.0.0.1:50051; "
    "grpc_read_timeout 60s; error_page 502 = /e; } location = /e { internal; default_type application/grpc; return 204; } }",
    "rate limit": "limit_req_zone $binary_remote_addr zone=one:1m rate=5r/s; limit_req_status 429; server { listen 8080; "
    "location /login { limit_req zone=one burst=10 nodelay; return 200 ok; } }",
    "connection limit": "limit_conn_zone $binary_remote_addr zone=addr:1m; server { listen 8080; limit_conn addr 10; "
    "limit_rate 100k; limit_rate_after 1m; }",
    "cache": "proxy_cache_path /tmp/ngx-cache levels=1:2 keys_zone=c:1m max_size=10m inactive=1h use_temp_path=off; "
    "server { listen 8080; location / { proxy_cache c; proxy_cache_valid 200 302 10m; proxy_cache_valid any 1m; "
    "proxy_cache_use_stale error timeout updating; proxy_cache_lock on; proxy_pass http://127.0.0.1:9000; "
    "add_header X-Cache $upstream_cache_status always; } }",
    "h5bp types": "types { text/html html htm; application/javascript js mjs; image/svg+xml svg svgz; }\n"
    "default_type application/octet-stream; charset utf-8; charset_types text/css text/plain;",
    "h5bp compression": "gzip on; gzip_comp_level 5; gzip_min_length 256; gzip_proxied any; gzip_vary on;\n"
    "gzip_types\n  application/json\n  text/css\n  text/plain;",
    "h5bp expires": "map $sent_http_content_type $expires { default 1y; ~*text/html 0; ~*image/ 1M; "
    '"~*application/(json|xml)" 0; } server { listen 8080; expires $expires; }',
    "h5bp security": "server { listen 8080; server_tokens off; add_header X-Frame-Options DENY always; "
    "location ~* /\\.(?!well-known\\/) { deny all; } "
    'location ~* "(?:#.*#|\\.(?:bak|conf|dist|fla|in[ci]|log|orig|psd|sh|sql|sw[op])|~)$" { deny all; } }',
    "several hosts": "server { listen 8080 default_server; server_name _; return 444; } "
    "server { listen 8080; server_name a.example.com *.b.example.com; root /srv/a; } "
    'server { listen 8080; server_name ~^(?<sub>.+)\\.c\\.example\\.com$; root "/srv/$sub"; }',
    "redirects": "server { listen 8080; server_name www.example.com; return 301 $scheme://example.com$request_uri; } "
    "server { listen 8080; server_name example.com; rewrite ^/old/(.*)$ /new/$1 permanent; }",
    "variables in braces": "server { listen 8080; location / { return 200 ${host}${uri}; } }",
    "php": "server { listen 8080; root /srv; location ~ \\.php$ { fastcgi_split_path_info ^(.+\\.php)(/.+)$; "
    "fastcgi_pass 127.0.0.1:9000; fastcgi_index index.php; "
    "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; } }",
    "uwsgi": "server { listen 8080; location / { uwsgi_pass unix:/tmp/app.sock; uwsgi_param QUERY_STRING $query_string; } }",
    "basic auth": 'server { listen 8080; location /admin { auth_basic "staff only"; auth_basic_user_file /etc/p; '
    "satisfy any; allow 10.0.0.0/8; deny all; } }",
    "auth request": "server { listen 8080; location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; } "
    "location = /auth { internal; proxy_pass http://127.0.0.1:9000; proxy_pass_request_body off; } }",
    "real ip": "set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;",
    "json log": "log_format json escape=json '{'\n  '\"time\":\"$time_iso8601\",'\n  '\"status\":$status'\n'}';\n"
    "access_log /dev/stdout json;",
    "geo": "geo $inside { default 0; 127.0.0.1/32 1; 10.0.0.0/8 1; } server { listen 8080; if ($inside) { return 204; } }",
    "split clients": 'split_clients "${remote_addr}AAA" $variant { 0.5% .one; 2.0% .two; * ""; } '
    "server { listen 8080; location / { index index${variant}.html; } }",
    "map hosts": "map $http_host $name { hostnames; default 0; example.com 1; *.example.com 1; } "
    "map $uri $new { volatile; default ''; /a /b; }",
    "cors": "server { listen 8080; location / { if ($request_method = OPTIONS) { "
    "add_header Access-Control-Allow-Methods 'GET, POST'; return 204; } limit_except GET POST { deny all; } } }",
    "quoted regex": 'server { listen 8080; location ~ "^/[a-f0-9]{8,}$" { return 204; } rewrite "^/x{1,3}$" /y last; }',
    "status page": "server { listen 127.0.0.1:8082; location = /status { stub_status; access_log off; allow 127.0.0.1; } }",
    "mirror": "server { listen 8080; location / { mirror /m; proxy_pass http://127.0.0.1:9000; } "
    "location = /m { internal; proxy_pass http://127.0.0.1:9001$request_uri; } }",
    "resolver": "resolver 127.0.0.1 valid=10s ipv6=off; server { listen 8080; set $up http://app.example; "
    "location / { proxy_pass $up; } }",
    "large uploads": "client_max_body_size 0; client_body_buffer_size 128k; proxy_request_buffering off; "
    "server { listen 8080; sendfile on; tcp_nopush on; keepalive_timeout 65 60; }",
    "sub filter": "server { listen 8080; location / { sub_filter '<a href=\"' '<a href=\"/x'; sub_filter_once off; } }",
    "nested locations": "server { listen 8080; location /a/ { location /a/b/ { alias /srv/b/; autoindex on; } } }",
    "charset map": "charset_map koi8-r utf-8 { C0 D18E; C1 D0B0; }",
}
"""What stands inside `http {}`. No host is resolved and no certificate is read, so that nginx itself accepts each."""

MAIN = {
    "stream tcp": "events {} stream { upstream db { server 127.0.0.1:5432; } server { listen 8432; proxy_pass db; "
    "proxy_timeout 10m; proxy_connect_timeout 1s; } }",
    "stream udp": "events {} stream { server { listen 8053 udp reuseport; proxy_pass 127.0.0.1:53; proxy_responses 1; } }",
    "stream by name": "events {} stream { map $ssl_preread_server_name $b { default 127.0.0.1:1; a.example 127.0.0.1:2; } "
    "server { listen 8443; ssl_preread on; proxy_pass $b; } }",
    "whole file": "worker_processes auto;\nerror_log /dev/stderr warn;\npid /tmp/n.pid;\nevents { worker_connections 512; }\n"
    "http { server { listen 8080; return 204; } }\n",
}
"""A whole nginx.conf."""

_WORDS = [
    "listen",
    "server",
    "location",
    "root",
    "if",
    "on",
    "$a",
    "${b",
    "return",
    "types",
    "upstream",
    "proxy_pass",
    "a}b",
]
_PIECES = [*";{}\"'\\#$ \n\r\t)(", "};", "${", "{8,}", '")', "''", "\ufeff", "x" * 4094, "x" * 4095, "#" + "c" * 4096]


def mutated(text: str, rng: random.Random) -> str:
    """`text` with one to three changes: a piece cut out, put in, doubled, or exchanged."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((1, 1, 2, 8)))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + text[end:]
        elif kind == 1:
            text = text[:at] + rng.choice(_PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + f" {rng.choice(_WORDS)} " + text[at:]
        elif kind == 3:
            marks = [index for index, sign in enumerate(text) if sign in ";{}\"'"]
            if marks:
                mark = rng.choice(marks)
                text = text[:mark] + text[mark + 1 :]
        else:
            words = text.split(" ")
            one, other = rng.randrange(len(words)), rng.randrange(len(words))
            words[one], words[other] = words[other], words[one]
            text = " ".join(words)
    return text
