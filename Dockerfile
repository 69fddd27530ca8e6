# A node of Holdfast from this repository: docker build -t holdfast .
FROM node:24-bookworm-slim AS build
WORKDIR /holdfast
COPY . .
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile \
 && npx pnpm@12.21.0 build \
 && mkdir /tarballs \
 && for package in types io core wire check wal store server client cli; do \
      (cd packages/$package && npx pnpm@12.21.0 pack --pack-destination /tarballs); \
    done

FROM node:24-bookworm-slim
COPY --from=build /tarballs /tarballs
RUN npm install --global --no-audit --no-fund /tarballs/*.tgz && rm -r /tarballs \
 && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7101
STOPSIGNAL SIGTERM
# As `holdfast up` runs its nodes: a smaller process is sooner replaced when it dies.
ENV NODE_OPTIONS=--max-semi-space-size=4
ENTRYPOINT ["holdfast"]
CMD ["--help"]
