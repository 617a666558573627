FROM mastic/root:79c0c338859461ef
COPY files/usr/local/bin/ /usr/local/bin/
