FROM mastic/python-base:810fa3b620a654f9
RUN useradd --uid 42001 web
RUN --mount=type=bind,from=mastic/lists:15413d0c5fa01e86,target=/lists install curl
RUN sh /context/start /context/requirements.txt
RUN echo hello
USER web
