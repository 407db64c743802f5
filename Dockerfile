# The server; docs/serve.md says how it is started, and deploy/ and compose.yaml what should stand around it.
#
# A tag moves on as Debian and Python mend themselves. For an image that comes out the same tomorrow, name the digest
# that `docker buildx imagetools inspect python:3.12-slim` states: --build-arg PYTHON=python:3.12-slim@sha256:...
ARG PYTHON=python:3.12-slim

FROM ${PYTHON} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
# An environment without pip: what is served needs none, and what is not there cannot be misused.
RUN python -m venv --without-pip /opt/cutaway \
    && pip --python /opt/cutaway/bin/python install --no-cache-dir '.[web,heic]'

FROM ${PYTHON}
# ONNX Runtime would else write down, and report to its makers, on what it runs.
ENV PATH=/opt/cutaway/bin:$PATH \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/cutaway /opt/cutaway
COPY deploy/ready.py /opt/cutaway/ready.py
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 7000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/cutaway/ready.py"]
# It ends with exit code 2 unless CUTAWAY_API_KEYS is set, or CUTAWAY_INSECURE=true lets everybody in.
CMD ["cutaway", "serve", "--host", "0.0.0.0"]
