FROM mastic/web-api:ff6b5e607600ae93
RUN --mount=type=bind,from=mastic/lists:b188f2390a69f284,target=/lists install iproute2
USER web
