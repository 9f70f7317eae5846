# One image for both processes. The command is the chart's:
#   nginx-operator run ...      nginx-webhooks serve ...
# It runs as any non-root user, with a read-only root filesystem and no writable path.

FROM docker.io/library/python:3.11-slim-bookworm AS dependencies

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The tools that build stay in /opt/build; /opt/venv gets no pip at all.
COPY requirements/build.txt /src/requirements/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary :all: --requirement /src/requirements/build.txt \
    && python3 -m venv --without-pip /opt/venv

# Nothing can write bytecode at run time, so all of it is made here; `unchecked-hash` makes it independent of the
# files' times, which a copy between stages need not keep.
COPY requirements/runtime.txt /src/requirements/
RUN /opt/build/bin/pip --python /opt/venv/bin/python install --no-compile --only-binary :all: \
    --require-hashes --requirement /src/requirements/runtime.txt \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib


# Our own code is a small layer on top, so that an upgrade pulls little.
FROM dependencies AS build

COPY pyproject.toml README.md LICENSE /src/
COPY crds /src/crds
COPY operator /src/operator
COPY webhooks /src/webhooks
WORKDIR /src
RUN /opt/build/bin/hatchling build --target wheel --directory /tmp/wheel \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --prefix /opt/own --no-compile --no-deps --no-index \
        /tmp/wheel/*.whl \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/own/lib


FROM docker.io/library/python:3.11-slim-bookworm

# The base image comes without bytecode of the standard library, and compiling what is imported costs each start.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash \
    -x '/(dist-packages|ensurepip|idlelib|lib2to3|site-packages|test|tests|turtledemo)/' \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=dependencies /opt/venv /opt/venv
COPY --from=build /opt/own /opt/venv

# glibc gets large blocks from its heap once one was freed, and keeps what is free between small ones: with these it
# gives them back (docs/performance.md has the figures).
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GLIBC_TUNABLES=glibc.malloc.mmap_threshold=65536:glibc.malloc.trim_threshold=131072

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="nginx-operator" \
      org.opencontainers.image.description="A Kubernetes operator for nginx: a reconciler and its admission webhooks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

WORKDIR /
USER 65532:65532
CMD ["nginx-operator", "--help"]
