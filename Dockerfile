# The image of Highwater: docker build --tag highwater .
#
# It has one program, which is the coordinator, a worker, or a part of the reference cluster:
#   docker run --rm highwater --help
FROM rust:1.95-slim-bookworm AS build
# jemalloc is built from its source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package highwater

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home highwater \
    && install --directory --owner highwater /runs
COPY --from=build /src/target/release/highwater /usr/local/bin/
COPY scenarios/*.toml /scenarios/
USER 10001
# A run's record is in /runs, which is the only folder that is written to.
VOLUME /runs
ENTRYPOINT ["highwater"]
