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

"""The tox that runs the environments, in a virtual environment of the tree."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

from tests import screen

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / '.tox' / 'tools'
REQUIREMENTS = ('tox==4.67.13', 'tox-uv==1.37.1', 'uv==0.13.8')


def install_debian(*packages):
    """Install Debian packages, if we may."""
    if os.geteuid() != 0 or not shutil.which('apt-get'):
        sys.exit(f'tests/run: please install {" ".join(packages)}')
    env = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
    install = ['apt-get', 'install', '-y', '--no-install-recommends']
    for command in (['apt-get', 'update', '-q'], [*install, *packages]):
        subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, check=True
        )


def install():
    """Return the folder of the commands of a virtual environment with tox."""
    stamp = TOOLS / 'installed'
    wanted = '\n'.join((sys.version, *REQUIREMENTS))
    commands = TOOLS / 'bin'
    if stamp.is_file() and stamp.read_text() == wanted:
        return commands
    screen.say(screen.heading('tools'))
    if not importlib.util.find_spec('ensurepip'):
        install_debian('python3-venv')
    shutil.rmtree(TOOLS, ignore_errors=True)
    subprocess.run([sys.executable, '-m', 'venv', TOOLS], check=True)
    subprocess.run(
        [
            commands / 'python',
            *('-m', 'pip', 'install', '-qq'),
            '--disable-pip-version-check',
            *REQUIREMENTS,
        ],
        stdin=subprocess.DEVNULL,
        check=True,
    )
    stamp.write_text(wanted)
    screen.say(f'tox is installed in {TOOLS.relative_to(ROOT)}')
    return commands


def _caches():
    """Return the folder of this user's caches, see the XDG specification."""
    folder = os.environ.get('XDG_CACHE_HOME')
    return pathlib.Path(folder or pathlib.Path.home() / '.cache')


def environment(commands):
    """Return the environment variables that tox runs with."""
    env = dict(os.environ)
    env['PATH'] = os.pathsep.join((str(commands), env.get('PATH', os.defpath)))
    env['PYTHONUNBUFFERED'] = '1'
    env['NO_COLOR'] = '1'
    # What uv has downloaded is shared by all environments and the clouds.
    env.setdefault('UV_CACHE_DIR', str(_caches() / 'uv'))
    # Our own virtual environment, if any, is nobody else's.
    env.pop('VIRTUAL_ENV', None)
    env.pop('PYTHONHOME', None)
    env.pop('PYTHONPATH', None)
    # A machine's own authorities count for uv as they do for pip.
    if pathlib.Path('/etc/ssl/certs/ca-certificates.crt').exists():
        env.setdefault('UV_SYSTEM_CERTS', 'true')
    # pbr takes the version from git, which a plain copy of the tree lacks.
    if not shutil.which('git'):
        install_debian('git', 'ca-certificates')
    shallow = git('rev-parse', '--is-shallow-repository')
    if shallow.returncode:
        env.setdefault('PBR_VERSION', '0.0.1.dev0')
    elif shallow.stdout.strip() == b'true':
        # reno reads the whole history.
        git('fetch', '--quiet', '--unshallow', '--tags')
    return env


def git(*arguments):
    return subprocess.run(
        ['git', *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
