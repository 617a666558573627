FROM mastic/root:bc246ba73d8f5a7e
COPY files/usr/local/bin/ /usr/local/bin/
