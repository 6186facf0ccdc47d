# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Installation of Debian packages and of a virtual environment."""

from collections.abc import Iterator
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from sandbox import process
from sandbox import progress
from sandbox import state

#: Needed for the virtual environment (uwsgi comes as source only).
BUILD = ('gcc', 'libc6-dev', 'python3-dev', 'ca-certificates', 'openssl')
COMMON = BUILD + ('mariadb-server', 'rabbitmq-server', 'memcached', 'apache2',
                  'libapache2-mod-shib', 'xmlsec1', 'qemu-utils', 'curl')
HARDWARE = ('ceph-mon', 'ceph-mgr', 'ceph-osd', 'ceph-common',
            'libvirt-daemon', 'libvirt-daemon-driver-qemu',
            'libvirt-daemon-driver-storage-rbd', 'libvirt-clients',
            'qemu-system-x86', 'qemu-block-extra', 'python3-libvirt',
            'python3-rados', 'python3-rbd', 'busybox-static', 'cpio')
POLICY = pathlib.Path('/usr/sbin/policy-rc.d')
#: Several sandboxes may be installed at the same time.
LOCK = pathlib.Path('/run/lock/mixmatch-sandbox-packages')


def install(site: state.Site, report: progress.Progress) -> None:
    """Install what is missing."""
    (site.root / 'log').mkdir(parents=True, exist_ok=True)
    packages(site, report, COMMON + (() if site.fake else HARDWARE))
    uv = find_uv(site, report)
    virtual_environment(site, report, uv)
    collect_garbage_seldom(site)
    project(site, report, uv)


def _run(site: state.Site, name: str, *command: str, **env: str) -> None:
    log = site.root / 'log' / f'{name}.log'
    with log.open('ab') as stream:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            cwd=state.REPOSITORY, env={**os.environ, **env})
    if result.returncode:
        raise process.Failed(
            name, f'{command[0]} returned {result.returncode}', log)


def missing(names: tuple[str, ...]) -> list[str]:
    """The Debian packages that are not installed."""
    result = subprocess.run(
        ('dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\n', *names),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    present = {line.split()[0] for line in result.stdout.splitlines()
               if line.endswith(' installed')}
    return [name for name in names if name not in present]


def packages(site: state.Site, report: progress.Progress,
             names: tuple[str, ...]) -> None:
    """Install Debian packages, and start none of their services."""
    if missing(names):
        with _one_at_a_time():
            _install(site, report, missing(names))


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with LOCK.open('w') as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _install(site: state.Site, report: progress.Progress,
             wanted: list[str]) -> None:
    if not wanted:
        return
    since = report.elapsed()
    report.say(f'installing {len(wanted)} Debian packages')
    # NOTE: without a policy Debian would start them on their usual ports.
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text('#!/bin/sh\nexit 101\n')
        POLICY.chmod(0o755)
    env = {'DEBIAN_FRONTEND': 'noninteractive'}
    try:
        _run(site, 'apt', 'apt-get', '-q', 'update', **env)
        _run(site, 'apt', 'apt-get', '-q', '-y', 'install',
             '-o', 'DPkg::Lock::Timeout=600',
             '--no-install-recommends', *wanted, **env)
    finally:
        if ours:
            POLICY.unlink()
    report.say('Debian packages installed', since)


def find_uv(site: state.Site, report: progress.Progress) -> str:
    """The path of uv, of our own if there is none."""
    own = site.installed / 'tools' / 'bin' / 'uv'
    found = shutil.which('uv')
    if own.exists() or found:
        return str(own) if own.exists() else str(found)
    since = report.elapsed()
    packages(site, report, ('python3-venv',))
    _run(site, 'uv', '/usr/bin/python3', '-m', 'venv',
         str(own.parent.parent))
    _run(site, 'uv', str(own.parent / 'pip'), 'install', 'uv')
    report.say('uv installed', since)
    return str(own)


def _stamp(*paths: pathlib.Path) -> str:
    text = b'\0'.join(path.read_bytes() for path in paths)
    return hashlib.sha256(text).hexdigest()


def virtual_environment(site: state.Site, report: progress.Progress,
                        uv: str) -> None:
    """Install the services of the release."""
    pins = (state.REPOSITORY / 'sandbox' / 'constraints'
            / f'{site.mode.release}.txt')
    record = site.venv / 'installed'
    stamp = _stamp(pins)
    if record.exists() and record.read_text() == stamp:
        return
    since = report.elapsed()
    report.say(f'installing OpenStack {site.mode.release}')
    if not (site.venv / 'bin' / 'python').exists():
        # NOTE: libvirt, rados and rbd for Python are Debian packages.
        _run(site, 'venv', uv, 'venv', '--python', '/usr/bin/python3',
             '--system-site-packages', str(site.venv))
    _run(site, 'venv', uv, 'pip', 'install', '-r', str(pins),
         VIRTUAL_ENV=str(site.venv))
    report.say('installed, compiling', since)
    # NOTE: uv leaves this to the first start of each process, which
    # would compile again and again where writing byte-code is off.
    result = subprocess.run(
        (site.tool('python'), '-m', 'compileall', '-q', '-j', '0', '-x',
         '/tests/(?!fake_driver)', str(site.venv / 'lib')),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if result.returncode not in (0, 1):
        raise state.Error(f'compileall returned {result.returncode}')
    record.write_text(stamp)
    report.say(f'OpenStack {site.mode.release} installed', since)


def collect_garbage_seldom(site: state.Site) -> None:
    """Have each Python process of the clouds look for garbage less often.

    Python looks for cycles after each 700 objects more than before. While a
    service is imported, and it is imported at each start, there are none: a
    fifth of nova-api's start is spent on that.
    """
    packages, = (site.venv / 'lib').glob('python3.*/site-packages')
    (packages / 'sandbox_garbage.pth').write_text(
        'import gc; gc.set_threshold(50_000, 20, 20)\n')


def project(site: state.Site, report: progress.Progress, uv: str) -> None:
    """Install mixmatch itself, as it stands in the tree."""
    record = site.venv / 'mixmatch-installed'
    stamp = _stamp(state.REPOSITORY / 'setup.cfg',
                   state.REPOSITORY / 'setup.py')
    if record.exists() and record.read_text() == stamp:
        return
    since = report.elapsed()
    env = {'VIRTUAL_ENV': str(site.venv)}
    if not (state.REPOSITORY / '.git').exists():
        env['PBR_VERSION'] = '0.0.0'
    _run(site, 'mixmatch', uv, 'pip', 'install', '--no-deps',
         '-e', str(state.REPOSITORY), **env)
    record.write_text(stamp)
    report.say('mixmatch installed', since)
