# For a release, give both by digest (--build-arg RUN_IMAGE=node:26-slim@sha256:...), because a tag can be moved to another image.
# `docker buildx imagetools inspect node:26-slim` prints it.
ARG BUILD_IMAGE=node:26-slim
ARG RUN_IMAGE=node:26-slim

# The packages the service needs at run time, without their types and source maps, which are half of them. No package's
# install script runs, here or below.
FROM ${BUILD_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f '(' -name '*.map' -o -name '*.ts' -o -name '*.[cm]ts' ')' -delete

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# What remains is what runs: dist, package.json, the health check, and the documents that the service reads.
# The compile cache is made with the flags below, because V8 uses it only with the same flags.
RUN npm run build && rm dist/*.cache \
  && node --max-old-space-size-percentage=50 scripts/bundle/rehearse.mjs >/dev/null \
  && rm -r node_modules src scripts tsconfig*.json package-lock.json

FROM ${RUN_IMAGE}
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app .
# All addresses, IPv6 and IPv4; only IPv4 if the machine has no IPv6.
ENV NODE_ENV=production HOST=::
USER 65532:65532
EXPOSE 8080 9464 50051
# A script of its own: the command `greet health` loads a gRPC client, and takes twice the memory and twice the CPU time.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "deploy/health-check.mjs"]
# Exec form, so that SIGTERM reaches node itself. The heap gets half of the container's memory. By default, V8
# allows more than a container of 128 MB has, and a leak would end in a kill without a message. SIGUSR1 opens no inspector.
ENTRYPOINT ["node", "--max-old-space-size-percentage=50", "--disable-sigusr1", "dist/main.js"]

ARG VERSION=0.0.0
ARG REVISION=unknown
ENV BUILD_REVISION=${REVISION}
LABEL org.opencontainers.image.title="greet" \
      org.opencontainers.image.description="The greeting microservice." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
