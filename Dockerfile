# The program alone: static, without a shell, without root. In a terminal:
#   docker build -t parlor .
#   docker run -it --rm -e OPENAI_API_KEY -v parlor:/home/parlor parlor
FROM rust:1.95-alpine AS build
# For the C of SQLite, of the cryptography and of the allocator.
RUN apk add --no-cache gcc make musl-dev ca-certificates
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile service -p parlor-cli --features jemalloc \
    && install -D target/service/parlor /image/usr/bin/parlor \
    && install -D /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d -o 65532 -g 65532 /image/home/parlor /image/tmp

FROM scratch
COPY --from=build /image /
# Colours as everywhere; where the terminal has none, `-e TERM`.
ENV HOME=/home/parlor TERM=xterm-256color
WORKDIR /home/parlor
USER 65532:65532
# Conversations, keys and the configuration.
VOLUME /home/parlor
ENTRYPOINT ["/usr/bin/parlor"]
