"""Builds nginx from its source, which a crate carries, with the modules of the official image.

The compiler and the libraries are those of a Debian of the images' release, in a folder of its own: so the program runs
in these images, whatever the machine is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed import cache, crates, debian, rootfs
from testbed.errors import part_failed
from testbed.progress import Progress, Step

CRATE = "nginx-src"
RECIPE = crates.CRATES / "nginx"
PACKAGES = ("gcc", "libc6-dev", "libpcre2-dev", "libssl-dev", "make", "zlib1g-dev")
PATHS = (
    "--prefix=/etc/nginx",
    "--sbin-path=/usr/sbin/nginx",
    "--modules-path=/usr/lib/nginx/modules",
    "--conf-path=/etc/nginx/nginx.conf",
    "--error-log-path=/var/log/nginx/error.log",
    "--http-log-path=/var/log/nginx/access.log",
    "--pid-path=/run/nginx.pid",
    "--lock-path=/run/nginx.lock",
    *(
        f"--http-{name}-temp-path=/var/cache/nginx/{folder}_temp"
        for name, folder in (
            ("client-body", "client"),
            ("proxy", "proxy"),
            ("fastcgi", "fastcgi"),
            ("uwsgi", "uwsgi"),
            ("scgi", "scgi"),
        )
    ),
    "--user=nginx",
    "--group=nginx",
)
"""As in the nginx-unprivileged image, whose nginx.conf then names places in /tmp for what is written."""
MODULES = (
    "compat",
    "file-aio",
    "threads",
    "http_addition_module",
    "http_auth_request_module",
    "http_dav_module",
    "http_flv_module",
    "http_gunzip_module",
    "http_gzip_static_module",
    "http_mp4_module",
    "http_random_index_module",
    "http_realip_module",
    "http_secure_link_module",
    "http_slice_module",
    "http_ssl_module",
    "http_stub_status_module",
    "http_sub_module",
    "http_v2_module",
    "http_v3_module",
    "mail",
    "mail_ssl_module",
    "stream",
    "stream_realip_module",
    "stream_ssl_module",
    "stream_ssl_preread_module",
)
"""Those of the image. Debian's OpenSSL has no QUIC of its own; nginx's compatibility layer stands in for it."""
COMPILER = (
    "--with-cc=gcc",
    "--with-cc-opt=-O2 -fPIE -fstack-protector-strong",
    "--with-ld-opt=-pie -Wl,-z,relro,-z,now",
)
CONFIGURE = (*PATHS, *(f"--with-{module}" for module in MODULES), *COMPILER)
KEPT = ("fastcgi_params", "mime.types", "scgi_params", "uwsgi_params")
"""Of the files that nginx is installed with."""


def crate() -> crates.Crate:
    """Return the crate that is pinned."""
    return crates.pinned((RECIPE / "Cargo.lock").read_text(encoding="utf-8"), CRATE)


def version() -> str:
    """Return the version of nginx that the crate carries, such as `1.28.3`."""
    return crate().version.partition("+")[2]


def key() -> str:
    """Return the key under which the program is kept."""
    pinned = crate()
    return cache.key(rootfs.SHAPE, *PACKAGES, *CONFIGURE, *KEPT, pinned.version, pinned.checksum)


def folder(progress: Progress) -> Path:
    """Return the folder with the program `nginx` and the files `KEPT`, built if they are not kept yet.

    Raises:
        BedError: the machine cannot build, or a step of the build failed.
    """
    target = cache.root() / "bin" / f"nginx-{key()}"
    if not target.is_dir():
        debian.provide("image", progress)
    return cache.made(target, lambda unfinished: _build(unfinished, progress))


def _build(target: Path, progress: Progress) -> None:
    log = cache.root() / "log" / "build-nginx.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    tree, vendored = target / "root", target / "crates"
    source = tree / "src"
    with progress.step(f"building nginx {version()} (once)") as step:
        step.tell(f"fetching the crate {CRATE}")
        sources = crates.unpack(crate(), RECIPE, vendored, progress)
        rootfs.make(tree, PACKAGES, step)
        shutil.copytree(sources / "nginx", source)
        jobs = f"--jobs={os.cpu_count() or 1}"
        for what, command in (
            ("configure", ["sh", "auto/configure", *CONFIGURE]),
            ("make", ["make", jobs]),
            ("strip", ["strip", "objs/nginx"]),
        ):
            _run(what, ["chroot", str(tree), "env", "--chdir=/src", *command], log, step)
    shutil.copy(source / "objs/nginx", target / "nginx")
    for name in KEPT:
        shutil.copyfile(source / "conf" / name, target / name)
    for scaffold in (tree, vendored):
        shutil.rmtree(scaffold)


def _run(what: str, command: Sequence[str], log: Path, step: Step) -> None:
    with (
        log.open("a", encoding="utf-8") as out,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            out.write(line)
            out.flush()
            step.tell(what)
    if process.returncode != 0:
        raise part_failed(f"{what} of nginx", f"ended with {process.returncode}", log)
