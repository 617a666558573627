FROM mastic/python-base:1ccb2f96a0ce052c
RUN useradd --uid 42001 web
RUN --mount=type=bind,from=mastic/lists:b188f2390a69f284,target=/lists install curl
RUN sh /context/start /context/requirements.txt
RUN echo hello
USER web
