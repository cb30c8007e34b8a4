# Built from source: docker build --tag ppsd . (docker compose does it where the image is missing). The program carries its
# own runtime, so the image needs no SDK and no .NET, and CUDA kernels need nothing but the driver that the container
# toolkit mounts.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
ARG TARGETARCH=amd64
RUN dotnet publish Ppsd.Host --configuration Release \
    --runtime linux-$(echo "$TARGETARCH" | sed s/amd64/x64/) --output /publish

FROM debian:12-slim

# .NET's cryptography is OpenSSL's: keys of links, fingerprints, TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libssl3 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /publish /opt/ppsd
RUN ln -s /opt/ppsd/ppsd /usr/local/bin/ppsd \
    && useradd --system --create-home ppsd

ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

USER ppsd
WORKDIR /home/ppsd
EXPOSE 4053
ENTRYPOINT ["ppsd"]
CMD ["--help"]
