FROM mastic/root:b7710fb5d3be8397
COPY files/usr/local/bin/ /usr/local/bin/
