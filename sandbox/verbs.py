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

"""Verbs of the command line."""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import fcntl
import os
import pathlib
import shutil
import subprocess
import typing

from sandbox import credentials
from sandbox import graph
from sandbox import guest
from sandbox import install
from sandbox import model
from sandbox import network
from sandbox import process
from sandbox import progress
from sandbox import services
from sandbox import state
from sandbox import story
from sandbox import topology


@contextlib.contextmanager
def _alone(folder: pathlib.Path, lock: str = 'lock',
           ) -> typing.Iterator[None]:
    """Let no other command work in a folder meanwhile.

    :param lock: the name of the file in it that is locked
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / lock).open('w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('waiting for another sandbox/run ...')
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _services(site: state.Site) -> list[model.Service]:
    nodes = graph.ordered(services.nodes(site))
    return [node for node in nodes if isinstance(node, model.Service)]


def find(site: state.Site, cloud: str, name: str) -> model.Service:
    """A service of a cloud, as the sandbox starts it."""
    known = _services(site)
    for service in known:
        if (service.cloud, service.name) == (cloud, name):
            return service
    raise state.Error(f'there is no {cloud}/{name}, only '
                      + ', '.join(service.id for service in known))


def _other_mode(site: state.Site) -> None:
    """Two modes would want the same ports."""
    last = state.last_mode(site.root)
    if last is None or (last.release, last.compute) == (
            site.mode.release, site.mode.compute):
        return
    other = state.Site(site.root, last)
    supervisor = process.Supervisor(other)
    if other.instance.exists() and any(
            supervisor.record(service) for service in _services(other)):
        raise state.Error(
            f'a sandbox ({last}) is running; end it with "sandbox/run down" '
            f'before one of another kind ({site.mode}) is started')


def up(site: state.Site, arguments: argparse.Namespace) -> int:
    """Start what is not running."""
    if os.geteuid():
        raise state.Error('only root can bring clouds up')
    report = progress.Progress()
    with _alone(site.root):
        _other_mode(site)
        report.say(f'clouds of {site.mode} in {site.instance}')
        _install(site, report)
        _bring_up(site, report)
        site.clouds_yaml.write_text(credentials.clouds_yaml())
    names = [cloud.name for cloud in site.clouds
             if 'keystone' in cloud.components]
    report.say(f'{" and ".join(names)} are up')
    print(f"""
  export OS_CLIENT_CONFIG_FILE={site.clouds_yaml}
      for your own tools; clouds: {', '.join(credentials.entries())}
  sandbox/run status
  sandbox/run openstack {topology.HOME} server create --image guest \\
      --flavor tiny --nic none --wait s1
  sandbox/run openstack {topology.HOME} \\
      --os-service-provider {topology.PROVIDER} \\
      --os-remote-project-name research \\
      --os-remote-project-domain-name Default volume create --size 1 data""")
    return 0


def _install(site: state.Site, report: progress.Progress) -> None:
    with _alone(site.installed, 'install.lock'):
        install.install(site, report)
        guest.build(site, report)


def _bring_up(site: state.Site, report: progress.Progress) -> None:
    state.remember_mode(site.root, site.mode)
    site.prepare()
    services.render(site)
    graph.Runner(site, report).run(services.nodes(site))


def add(site: state.Site, arguments: argparse.Namespace) -> int:
    """Give a cloud for storage only a Nova, and start what is not running."""
    name = arguments.cloud
    if 'cinder' not in _cloud(name).components:
        raise state.Error(f'{name} has no Cinder that a Nova could use')
    if 'nova' in _cloud(name).components:
        raise state.Error(f'{name} has a Nova by itself')
    if not site.clouds_yaml.exists():
        raise state.Error('no sandbox here; "sandbox/run up" makes one')
    changed = _with_nova(site, {*site.mode.with_nova, name})
    report = progress.Progress()
    with _alone(site.root):
        _bring_up(changed, report)
    report.say(f'{name} has a Nova')
    return 0


def remove(site: state.Site, arguments: argparse.Namespace) -> int:
    """End that Nova; what is in its databases stays."""
    name = arguments.cloud
    if name not in site.mode.with_nova:
        raise state.Error(f'no Nova was added to {name}')
    changed = _with_nova(site, {*site.mode.with_nova} - {name})
    stay = {service.id for service in _services(changed)}
    supervisor = process.Supervisor(site)
    report = progress.Progress()
    with _alone(site.root):
        ended = [service for service in _services(site)
                 if service.id not in stay]
        with concurrent.futures.ThreadPoolExecutor(len(ended)) as pool:
            count = sum(pool.map(supervisor.stop, ended))
        report.say(f'{count} processes ended')
        # It is looked for again when there is one again.
        site.record(name, 'nova-host', 'done').unlink(missing_ok=True)
        _bring_up(changed, report)
    report.say(f'{name} has no Nova')
    return 0


def _with_nova(site: state.Site, names: set[str]) -> state.Site:
    """The same sandbox, in which a Nova was added to these clouds."""
    return state.Site(site.root, dataclasses.replace(
        site.mode, with_nova=tuple(sorted(names))))


def isolated(site: state.Site, arguments: argparse.Namespace) -> int:
    """Have clouds in a network of their own while a command runs."""
    if os.geteuid():
        raise state.Error('only root can make a network')
    if not arguments.arguments:
        raise state.Error('isolated: say what is to be run')
    _install(site, progress.Progress())
    network.isolate()
    try:
        up(site, arguments)
        return subprocess.run(arguments.arguments).returncode
    finally:
        arguments.purge = False
        # NOTE: the command may have added something.
        down(state.Site(site.root, state.last_mode(site.root) or site.mode),
             arguments)


def demo(site: state.Site, arguments: argparse.Namespace) -> int:
    """Bring the clouds up and tell the story."""
    up(site, arguments)
    report = progress.Progress()
    story.Story(site, report).tell()
    report.say(f'DEMO PASSED: a server of {topology.HOME} used a volume of '
               f'{topology.PROVIDER}, where it lives')
    return 0


def status(site: state.Site, arguments: argparse.Namespace) -> int:
    """Show each process."""
    supervisor = process.Supervisor(site)
    known = _services(site) if site.instance.exists() else []
    if not known:
        print('no sandbox here; "sandbox/run up" makes one')
        return 1
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        healthy = list(pool.map(supervisor.healthy, known))
    print(f'{site.mode} in {site.instance}')
    for service, good in zip(known, healthy):
        record = supervisor.record(service)
        ports = ','.join(str(port) for port in service.ports) or '-'
        word = ('healthy' if good else 'not healthy' if record
                else 'not running')
        print(f'{service.cloud:8}{service.name:18}'
              f'{record.pid if record else "-":>8}  {ports:14}{word}')
        if not good:
            print('    ' + progress.tail(
                supervisor.log(service), 5).replace('\n', '\n    '))
    return 0 if all(healthy) else 1


def down(site: state.Site, arguments: argparse.Namespace) -> int:
    """End everything that was started."""
    if not site.instance.exists():
        return 0
    supervisor = process.Supervisor(site)
    report = progress.Progress()
    with _alone(site.root):
        known = _services(site)
        # NOTE: those that others need are ended after those.
        first = [service for service in known
                 if service.cloud != topology.SHARED.name
                 and not service.name.startswith(('ceph', 'libvirt'))]
        rest = [service for service in known if service not in first]
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            count = sum(pool.map(supervisor.stop, first))
        guests = sum(map(supervisor.end_guests, known))
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            count += sum(pool.map(supervisor.stop, rest))
        if site.mode.with_nova:
            state.remember_mode(site.root, _with_nova(site, set()).mode)
        report.say(f'{count} processes and {guests} guests ended')
        if arguments.purge:
            shutil.rmtree(site.instance)
            shutil.rmtree(site.sockets, ignore_errors=True)
            report.say(f'{site.instance} deleted')
    return 0


def openstack(site: state.Site, arguments: argparse.Namespace) -> int:
    """Become the openstack command."""
    cloud = _cloud(arguments.cloud)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--as', dest='user', default=cloud.default_user)
    parser.add_argument('--project', default='')
    rest = list(arguments.arguments)
    own: list[str] = []
    while rest and rest[0].partition('=')[0] in ('--as', '--project'):
        width = 1 if '=' in rest[0] else 2
        own, rest = own + rest[:width], rest[width:]
    wanted = parser.parse_args(own)
    path = site.tool('openstack')
    if not os.path.exists(path):
        raise state.Error('nothing is installed; run "sandbox/run up" first')
    env = process.environment(site, credentials.environment(
        cloud, wanted.user, wanted.project))
    os.execve(path, [path, *rest], env)


def _cloud(name: str) -> model.Cloud:
    try:
        return topology.by_name(name)
    except ValueError as error:
        raise state.Error(str(error)) from None


def logs(site: state.Site, arguments: argparse.Namespace) -> int:
    """Show a log."""
    service = find(site, arguments.cloud, arguments.service)
    path = process.Supervisor(site).log(service)
    command = ['tail', '-n', '200', *(['-f'] if arguments.follow else []),
               str(path)]
    os.execvp('tail', command)


def start(site: state.Site, arguments: argparse.Namespace) -> int:
    """Start processes."""
    supervisor = process.Supervisor(site)
    return _each(site, arguments, supervisor.start, 'is ready', 'was running')


def stop(site: state.Site, arguments: argparse.Namespace) -> int:
    """End processes."""
    supervisor = process.Supervisor(site)
    return _each(site, arguments, supervisor.stop, 'ended',
                 'was not running')


def restart(site: state.Site, arguments: argparse.Namespace) -> int:
    """End and start processes, with their configuration as it is."""
    supervisor = process.Supervisor(site)

    def again(service: model.Service) -> bool:
        supervisor.stop(service)
        return supervisor.start(service)
    return _each(site, arguments, again, 'is ready', 'was running')


def _each(site: state.Site, arguments: argparse.Namespace,
          act: typing.Callable[[model.Service], bool],
          done: str, nothing: str) -> int:
    """Do the same to several services of a cloud, at the same time.

    :param act: returns whether there was anything to do
    """
    known = [find(site, arguments.cloud, name)
             for name in arguments.services]
    with (_alone(site.root),
          concurrent.futures.ThreadPoolExecutor(len(known)) as pool):
        results = list(pool.map(act, known))
    for service, result in zip(known, results):
        print(f'{service.id} {done if result else nothing}')
    return 0
