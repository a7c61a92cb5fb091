# docker build --tag pansegnet-node .
# The steps are those of deploy/install.sh. `npm run test:image` builds the image and sends a study through it.
# A site's own authority and npm's settings (registry, password, proxy) come as secrets, which stay out of the image:
#   --secret id=ca,src=hospital-ca.pem --secret id=npmrc,src=.npmrc
# Another base with Node.js 24 and npm: --build-arg NODE_IMAGE=registry.hospital.example/node:24
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
ENV ONNXRUNTIME_NODE_INSTALL=skip NPM_CONFIG_USERCONFIG=/run/secrets/npmrc
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=ca --mount=type=secret,id=npmrc \
  [ ! -f /run/secrets/ca ] || export NODE_EXTRA_CA_CERTS=/run/secrets/ca; \
  npm ci --no-audit --no-fund
COPY . .
RUN --mount=type=secret,id=ca --mount=type=secret,id=npmrc \
  [ ! -f /run/secrets/ca ] || export NODE_EXTRA_CA_CERTS=/run/secrets/ca; \
  npm pack && sh deploy/install.sh program /build/pansegnet-node-*.tgz

FROM ${NODE_IMAGE}
# Nothing is installed in the running container.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
COPY --from=build /opt/pansegnet-node /opt/pansegnet-node
RUN sh /opt/pansegnet-node/current/deploy/install.sh user && ln -s /opt/pansegnet-node/current/bin/pansegnet-node.js /usr/local/bin/pansegnet-node

ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1
# Everything that the node writes is below its working directory; the rest may be read-only, with a tmpfs at /tmp.
WORKDIR /var/lib/pansegnet-node
VOLUME /var/lib/pansegnet-node
USER 10001:10001
EXPOSE 8080
# For another port, basePath or TLS: HEALTH_URL.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "/opt/pansegnet-node/current/bin/healthcheck.js"]
ENTRYPOINT ["pansegnet-node"]
CMD ["serve"]
