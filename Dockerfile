# One image for web, worker, relay and the step that prepares topics and tables.
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/yinfeng
COPY requirements.lock .
RUN /opt/yinfeng/bin/pip install --require-hashes -r requirements.lock
WORKDIR /src
COPY . .
RUN /opt/yinfeng/bin/pip install --no-deps .

FROM python:3.12-slim
# Posters are set in Chinese.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
# The home belongs to the user before it becomes a volume, so that the volume does too.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/yinfeng yinfeng
COPY --from=build /opt/yinfeng /opt/yinfeng
ENV PATH=/opt/yinfeng/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    YINFENG_HOME=/var/lib/yinfeng \
    YINFENG_HOST=0.0.0.0 \
    YINFENG_PORT=8000
USER yinfeng
WORKDIR /var/lib/yinfeng
VOLUME /var/lib/yinfeng
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['YINFENG_PORT']}/healthz\", timeout=4)"]
CMD ["yinfeng", "web"]
