# The mock as a service for tests: docs/ci.md. Runs with a read-only root file system and without rights.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY mock_capgo ./mock_capgo
COPY schemas ./schemas
COPY fixtures ./fixtures
COPY contract_tests ./contract_tests
# The interpreter of both stages is the same file, so the environment can be carried over as it is.
RUN python -m venv /opt/mock-capgo \
    && /opt/mock-capgo/bin/python -m pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin capgo
COPY --from=build /opt/mock-capgo /opt/mock-capgo
ENV PATH=/opt/mock-capgo/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MOCK_CAPGO_HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 CMD ["python", "-m", "mock_capgo.probe"]
ENTRYPOINT ["mock-capgo"]
CMD ["serve"]
