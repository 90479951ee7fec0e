#!/usr/bin/env bash
# Installs the Autobahn test suite below the folder $1, without root, and writes
# $1/wstest, which runs it.
#
# The suite wants Python 2.7, which Debian 12 no longer has. Debian 11's runs from a
# folder; its packages are fetched with apt's own checks and never installed.
set -euo pipefail
mkdir -p "$1" && cd "$1"
home=$PWD

mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | grep -v security | head -n 1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian/} bullseye main" >sources.list

mkdir -p apt/lists/partial apt/cache/archives/partial root packages
apt=(apt-get --quiet=2
    --option Dir::Etc::sourcelist="$home/sources.list" --option Dir::Etc::sourceparts=-
    --option Dir::State::lists="$home/apt/lists" --option Dir::Cache="$home/apt/cache"
    --option Dir::State::status=/dev/null --option APT::Sandbox::User="$(id --user --name)")
"${apt[@]}" update
(cd packages && "${apt[@]}" download python2.7 python2.7-minimal libpython2.7-stdlib \
    libpython2.7-minimal libpython2.7 libpython2.7-dev python2.7-dev libssl1.1 libffi7)
for package in packages/*.deb; do dpkg --extract "$package" root; done

cat >python <<SCRIPT
#!/bin/sh
export LD_LIBRARY_PATH="$home/root/usr/lib/x86_64-linux-gnu:$home/root/lib/x86_64-linux-gnu"
export PYTHONHOME="$home/root/usr" PYTHONPATH="$home/suite:$home/pip"
exec "$home/root/usr/bin/python2.7" "\$@"
SCRIPT
chmod +x python

# The last pip that ran on 2.7 is fetched by the machine's own.
python3 -m pip download --quiet --no-deps --dest wheels --python-version 27 --only-binary=:all: \
    --platform any --implementation py --abi none pip==20.3.4 setuptools==44.0.0 wheel==0.37.1
./python "$(echo wheels/pip-*.whl)/pip" install --quiet --no-warn-script-location --target pip wheels/*.whl
export C_INCLUDE_PATH="$home/root/usr/include/python2.7"
./python -m pip install --quiet --target suite txaio==2.1.0 incremental==16.10.1 \
    cryptography==3.3.2 pyOpenSSL==19.1.0 Twisted==19.10.0 zope.interface==4.6.0 \
    jinja2==2.11.3 markupsafe==1.1.1 Werkzeug==1.0.1 klein==17.10.0 \
    service_identity==18.1.0 unittest2==1.1.0 six==1.16.0 'autobahn[twisted]==0.10.9'
./python -m pip install --quiet --no-deps --target suite autobahntestsuite==25.10.1
touch suite/zope/__init__.py

# Last: a folder that has it is complete.
cat >wstest.new <<SCRIPT
#!/bin/sh
exec "$home/python" -W ignore -c 'import sys
sys.argv[0] = "wstest"
from autobahntestsuite import wstest
wstest.run()' "\$@"
SCRIPT
chmod +x wstest.new
mv wstest.new wstest
