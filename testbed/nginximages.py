"""The nginx images of the test bed: one that is built from source, and Debian's, older one to upgrade from.

Both are set up as the nginx-unprivileged image is. `images/README.md` says to people what they are.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from testbed import archives, cache, images, nginxbuild, rootfs
from testbed.images import BuiltImage
from testbed.progress import SILENT, Progress, Step

RECIPE = Path(__file__).parent / "images/nginx"
#: Debian's nginx, and what the entrypoint fills templates in with.
PACKAGES = ("gettext-base", "nginx-light")
OLD = "1.22.1"
"""The version of Debian's nginx, and the tag of the image that has it."""
UID = 101
DEFAULT = "docker.io/nginxinc/nginx-unprivileged:1.30-alpine"
ALIASES = ("1.30.1-alpine",)
"""Further tags of the newer image: what examples/ names, since the bed pulls nothing."""
HOOKS = "docker-entrypoint.d"


def name(tag: str = "") -> str:
    """Return the name of an nginx image with that tag: the repository is the chart's default image's.

    Without a tag it is that default image.
    """
    default = str((images.values().get("nginx") or {}).get("image", DEFAULT))
    return f"{default.rpartition(':')[0]}:{tag}" if tag else default


def names(version: str) -> tuple[str, ...]:
    """Return all names of the image with that version of nginx."""
    return (name(version),) if version == OLD else tuple(map(name, (version, "", *ALIASES)))


def build(progress: Progress = SILENT) -> BuiltImage:
    """Return the two images in one archive, made if need be.

    Raises:
        BedError: the machine cannot build images, or a step of it failed.
    """
    new = nginxbuild.version()
    recipe = cache.key_of_files(RECIPE, (path for path in RECIPE.rglob("*") if path.is_file()))
    key = cache.key(rootfs.SHAPE, *PACKAGES, nginxbuild.key(), recipe, *names(OLD), *names(new))

    def make(target: Path, step: Step) -> None:
        tree = target / "root"
        rootfs.make(tree, PACKAGES, step)
        layers = {version: target / f"{version}.tar" for version in (OLD, new)}
        _furnish(tree, OLD)
        rootfs.pack(tree, layers[OLD])
        _exchange(tree, program)
        _furnish(tree, new)
        rootfs.pack(tree, layers[new])
        shutil.rmtree(tree)
        made = [archives.Image(names(version), [layer], _config(version)) for version, layer in layers.items()]
        archives.write(target / "image.tar", made, rootfs.architecture())
        for layer in layers.values():
            layer.unlink()

    if not images.kept("nginx", key):
        program = nginxbuild.folder(progress)
    archive = images.made("nginx", key, f"making images of nginx {new} and of Debian's {OLD} (once)", make, progress)
    return BuiltImage(archive, (*names(new), *names(OLD)))


def _config(version: str) -> dict[str, object]:
    return {
        "Entrypoint": ["/docker-entrypoint.sh"],
        "Cmd": ["nginx", "-g", "daemon off;"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", f"NGINX_VERSION={version}"],
        "ExposedPorts": {"8080/tcp": {}},
        "StopSignal": "SIGQUIT",
        "User": str(UID),
    }


def _exchange(tree: Path, program: Path) -> None:
    """Put the nginx of the folder `program` into the place of Debian's; the libraries of that stay."""
    query = ["dpkg-query", f"--admindir={tree / 'var/lib/dpkg'}", "--show", "--showformat=${Package}\n"]
    listed = subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()
    gone = [package for package in listed if package.startswith(("nginx", "libnginx"))]
    purge = ["unshare", "--mount", "--", "chroot", str(tree), "dpkg", "--purge", *gone]
    subprocess.run(purge, check=True, capture_output=True)
    rootfs.trim(tree)
    shutil.rmtree(tree / "etc/nginx", ignore_errors=True)
    (tree / "etc/nginx").mkdir()
    (tree / "usr/lib/nginx/modules").mkdir(parents=True)
    (tree / "etc/nginx/modules").symlink_to("/usr/lib/nginx/modules")
    shutil.copy(program / "nginx", tree / "usr/sbin/nginx")
    for file in nginxbuild.KEPT:
        shutil.copyfile(program / file, tree / "etc/nginx" / file)


def _furnish(tree: Path, version: str) -> None:
    """Set nginx up as the nginx-unprivileged image has it."""
    etc, html = tree / "etc/nginx", tree / "usr/share/nginx/html"
    for path in etc.iterdir():
        if path.name not in (*nginxbuild.KEPT, "modules"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for folder in (etc / "conf.d", html, tree / HOOKS, tree / "var/cache/nginx", tree / "var/log/nginx"):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(RECIPE / "nginx.conf", etc / "nginx.conf")
    shutil.copyfile(RECIPE / "default.conf", etc / "conf.d/default.conf")
    # What the entrypoint compares with: it changes no file that is not as it was shipped.
    shutil.copyfile(RECIPE / "default.conf", tree / "usr/share/nginx/default.conf")
    shutil.copyfile(RECIPE / "50x.html", html / "50x.html")
    # The real image has no such header, and another page.
    header = f'add_header X-Testbed-Image "{version}" always;\n'
    (etc / "image.conf").write_text(header, encoding="utf-8")
    page = (RECIPE / "index.html").read_text(encoding="utf-8").replace("@VERSION@", version)
    (html / "index.html").write_text(page, encoding="utf-8")
    for script in (RECIPE / "entrypoint.sh", *(RECIPE / "entrypoint.d").iterdir()):
        place = tree / "docker-entrypoint.sh" if script.name == "entrypoint.sh" else tree / HOOKS / script.name
        shutil.copyfile(script, place)
        place.chmod(0o755)
    accounts_of = {"passwd": f"nginx:x:{UID}:{UID}:nginx:/nonexistent:/bin/false\n", "group": f"nginx:x:{UID}:\n"}
    for file, line in accounts_of.items():
        accounts = tree / "etc" / file
        text = accounts.read_text(encoding="utf-8")
        accounts.write_text(text if line in text else text + line, encoding="utf-8")
    for log, stream in (("access.log", "/dev/stdout"), ("error.log", "/dev/stderr")):
        (tree / "var/log/nginx" / log).unlink(missing_ok=True)
        (tree / "var/log/nginx" / log).symlink_to(stream)
    # A user that the platform assigns is in the group root.
    for owned in (etc, *etc.rglob("*"), tree / "var/cache/nginx", tree / "var/log/nginx"):
        if not owned.is_symlink():
            shutil.chown(owned, UID, 0)
            owned.chmod(owned.stat().st_mode | 0o060)
