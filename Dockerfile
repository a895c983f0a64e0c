# The image holds the binary, the libraries it is linked to, the certificate authorities, and nothing else:
# no shell, no package manager, no user but a number.

# Any Debian-like image with cargo, a C compiler and ca-certificates.
ARG BUILD_IMAGE=rust:1-bookworm
FROM ${BUILD_IMAGE} AS build
WORKDIR /build

# The dependencies alone, so that this layer lasts until Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
# Not built here; cargo wants every member of the workspace.
COPY crates crates
# Symbols are more than a quarter of the binary, and nobody debugs in an image without a shell.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
# Tests and benches are not there, so that Cargo.toml must not name them.
RUN sed -i '/^\[\[\(bench\|test\)\]\]/,/^$/d' Cargo.toml \
    && mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked

COPY data data
COPY docs/runbooks docs/runbooks
COPY src src
# The commit, for bedrock_exporter_build_info.
ARG REVISION=""
# Newer than the stand-ins above, whatever the times in the build context.
RUN find src -name '*.rs' -exec touch {} + \
    && BEDROCK_QUOTA_EXPORTER_REVISION=${REVISION} cargo build --release --locked

# The binary finds its libraries where the build image has them.
RUN mkdir -p /image/etc/ssl/certs \
    && cp target/release/bedrock-quota-exporter /image/ \
    && ldd /image/bedrock-quota-exporter | grep -o '/[^ ]*' | sort -u | xargs cp -L --parents -t /image \
    && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/

FROM scratch
COPY --from=build /image /
USER 65534:65534
EXPOSE 10469
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/bedrock-quota-exporter", "healthcheck"]
ENTRYPOINT ["/bedrock-quota-exporter"]
CMD ["serve"]
