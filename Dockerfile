# syntax=docker/dockerfile:1
# One image per service: docker build --target gatekeeper|admitter|booking-api -t onsale-<target>:<version> .
# And the crowd: --target loadtest. Each holds one program, on a base without a shell, run as nobody in particular.

# Debian 12 in both stages, so that the C library at run time is the one that was linked against.
ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-slim-bookworm AS source
# A C compiler for aws-lc; the slim image brings it with the linker, and it needs no more than that.
WORKDIR /src
# The queries were checked when .sqlx was written; no database is needed here.
ENV SQLX_OFFLINE=true
# .dockerignore names what is copied, so that keys and build output of .dev and target never travel.
COPY . .

# Dependencies are built once and stay in the cache mounts, whatever changes in the sources; only what is
# copied out of them ends in a layer. The mounts are locked: two builds at once must not share a target folder.
FROM source AS services
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p gatekeeper -p admitter -p booking-api \
    && mkdir /out \
    && cp target/release/gatekeeper target/release/admitter target/release/booking-api /out/

# Apart from the services, whose images should not wait for it.
FROM source AS crowd
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p loadtest \
    && mkdir /out \
    && cp target/release/loadtest /out/

# The C library, libgcc and the certificates of public authorities; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Onsale" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532

FROM runtime AS gatekeeper
LABEL org.opencontainers.image.title="onsale-gatekeeper" \
      org.opencontainers.image.description="The door of Onsale's waiting rooms: gives out numbers and answers polls from memory"
# The default, loopback, would be of no use in a container.
ENV ONSALE_LISTEN=0.0.0.0:8080 ONSALE_ADMIN_LISTEN=0.0.0.0:9080
EXPOSE 8080 9080
COPY --from=services /out/gatekeeper /usr/local/bin/gatekeeper
ENTRYPOINT ["/usr/local/bin/gatekeeper"]

FROM runtime AS admitter
LABEL org.opencontainers.image.title="onsale-admitter" \
      org.opencontainers.image.description="Lets the next visitors of Onsale's waiting rooms in; and the operators' commands"
ENV ONSALE_ADMIN_LISTEN=0.0.0.0:9082
EXPOSE 9082
COPY --from=services /out/admitter /usr/local/bin/admitter
ENTRYPOINT ["/usr/local/bin/admitter"]
CMD ["run"]

FROM runtime AS booking-api
LABEL org.opencontainers.image.title="onsale-booking-api" \
      org.opencontainers.image.description="Onsale's shop: seats, orders and money; and the migrations of its database"
ENV ONSALE_LISTEN=0.0.0.0:8081 ONSALE_ADMIN_LISTEN=0.0.0.0:9081
EXPOSE 8081 9081
COPY --from=services /out/booking-api /usr/local/bin/booking-api
ENTRYPOINT ["/usr/local/bin/booking-api"]
CMD ["serve"]

FROM runtime AS loadtest
LABEL org.opencontainers.image.title="onsale-loadtest" \
      org.opencontainers.image.description="A crowd of virtual visitors for Onsale, and the proof of its invariants from outside"
WORKDIR /scenarios
COPY loadtest/scenarios/ ./
COPY --from=crowd /out/loadtest /usr/local/bin/loadtest
ENTRYPOINT ["/usr/local/bin/loadtest"]
