# The image of Highwater: docker build --tag highwater .
#
# It has one program, which is the coordinator, a worker, or a part of the reference cluster:
#   docker run --rm highwater --help
#
# A binary that is there already stands in place of the build, in either form:
#   docker buildx build --tag highwater --build-context binary=target/release .
#   tar -C target/release -c highwater | docker import - highwater-binary
#   docker build --tag highwater --build-arg BINARY=highwater-binary .
#
# The image has no HEALTHCHECK, because a coordinator and a worker have no port that could be
# asked. A node or a gateway gets one where it is started: `highwater probe URL`.

# The stage or the image whose root has the file `highwater`.
ARG BINARY=build

FROM rust:1.95-slim-bookworm AS build
# jemalloc is built from its source, and librdkafka with it where the feature is on.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Further features, such as `aws,kafka`.
ARG FEATURES=""
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package highwater --features "$FEATURES" \
    # The cache is no part of the image.
    && install --strip target/release/highwater /highwater

FROM ${BINARY} AS binary

FROM debian:12-slim AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="highwater" \
      org.opencontainers.image.description="Load tests and a reference cluster for many idle WebSockets" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A base image that has the authorities of TLS already needs no network here.
RUN test -e /etc/ssl/certs/ca-certificates.crt \
    || { apt-get update \
        && apt-get install --yes --no-install-recommends ca-certificates \
        && rm -rf /var/lib/apt/lists/*; }
# A run's record is in /runs, which is the only folder that is written to: the root may be
# read-only.
RUN useradd --uid 10001 --no-create-home highwater \
    && install --directory --owner highwater --group highwater /runs
COPY scenarios/*.toml /scenarios/
COPY --from=binary /highwater /usr/local/bin/highwater
USER 10001:10001
VOLUME /runs
# Every command ends in order: a node drains, and a coordinator reports on what there is.
STOPSIGNAL SIGTERM
ENTRYPOINT ["highwater"]
