# klatch alone in an image: one static program, the roots of TLS, no shell, no root.
#   docker build --build-arg VERSION=$(git describe --tags --always) -t klatch .
#   docker run -p 8080:8080 -v klatch:/var/lib/klatch klatch
# See docs/docker.md.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/klatch-chat/klatch/cli.linkedVersion=$VERSION" -o /klatch ./cli/klatch
RUN install -d -m 0700 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /klatch /klatch
COPY --from=build --chown=65532:65532 /data /var/lib/klatch
USER 65532:65532
ENV KLATCH_ADDR=:8080 KLATCH_DATA=/var/lib/klatch
VOLUME /var/lib/klatch
EXPOSE 8080 7946 7946/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/klatch", "health"]
ENTRYPOINT ["/klatch"]
CMD ["serve"]
