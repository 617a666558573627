FROM mastic/web-api:71872a4087e2d801
RUN --mount=type=bind,from=mastic/lists:15413d0c5fa01e86,target=/lists install iproute2
USER web
