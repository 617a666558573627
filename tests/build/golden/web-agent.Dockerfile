FROM mastic/web-api:c569ae182af4ba19
RUN --mount=type=bind,from=mastic/lists:be226344421b9fef,target=/lists install iproute2
USER web
