FROM mastic/python-base:6528ea363c55fec6
RUN useradd --uid 42001 web
RUN --mount=type=bind,from=mastic/lists:be226344421b9fef,target=/lists install curl
RUN sh /context/start /context/requirements.txt
RUN echo hello
USER web
