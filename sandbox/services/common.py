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

"""Sections that the configuration of most services has."""

import pathlib

from sandbox import health
from sandbox import model
from sandbox import state
from sandbox import topology

#: Of an API that knows other clouds: what one of them has done or heard of,
#: the others have not.
PROCESSES = 2

#: Databases and queues stay quiet; all that handles tokens talks, since
#: tests look for tokens in every log.
LOG_LEVELS = ','.join((
    'amqp=WARN', 'amqplib=WARN', 'sqlalchemy=WARN', 'oslo.messaging=INFO',
    'oslo_messaging=INFO', 'oslo_policy=INFO', 'oslo_concurrency=INFO',
    'stevedore=WARN', 'routes.middleware=WARN', 'dogpile=INFO',
    'taskflow=WARN', 'urllib3=WARN', 'urllib3.connectionpool=WARN',
    'oslo.privsep.daemon=INFO', 'keystoneauth=DEBUG',
    'keystonemiddleware=DEBUG', 'keystoneclient=DEBUG',
    'cinderclient=DEBUG', 'glanceclient=DEBUG',
    # It lists all options at each start.
    'nova.api.openstack.wsgi_app=INFO'))


def debug() -> dict[str, object]:
    """Options of [DEFAULT] for a service that is looked at closely."""
    return {'debug': True, 'default_log_levels': LOG_LEVELS,
            'log_options': False}


def database(cloud: model.Cloud, name: str) -> str:
    """The URL of a database of a cloud."""
    port = topology.port(topology.SHARED, 'mariadb')
    return (f'mysql+pymysql://{cloud.name}:{cloud.password("db")}'
            f'@127.0.0.1:{port}/{cloud.name}_{name}?charset=utf8mb4')


def transport(cloud: model.Cloud) -> str:
    """The URL of the message queue of a cloud."""
    port = topology.port(topology.SHARED, 'rabbitmq')
    return (f'rabbit://{cloud.name}:{cloud.password("rabbit")}'
            f'@127.0.0.1:{port}/{cloud.name}')


def credentials(cloud: model.Cloud, user: str) -> dict[str, object]:
    """Return the options with which a service logs in at its own cloud."""
    return {
        'auth_type': 'password',
        'auth_url': topology.url(cloud, 'keystone', '/v3'),
        'user_domain_name': 'Default',
        'username': user,
        'password': cloud.password(user),
        'project_domain_name': 'Default',
        'project_name': 'service',
        'region_name': cloud.name,
    }


#: Service types, as access rules of application credentials name them.
_TYPES = {'nova': 'compute', 'cinder': 'block-storage', 'glance': 'image',
          'neutron': 'network', 'placement': 'placement'}


def authtoken(cloud: model.Cloud, user: str) -> dict[str, object]:
    """The section [keystone_authtoken].

    An operator lets the Nova of another cloud act as a service here by
    naming the role that he has given to it.
    """
    roles = ['service'] + [trust.role for trust in cloud.trusts]
    return {
        **credentials(cloud, user),
        'www_authenticate_uri': topology.url(cloud, 'keystone', '/v3'),
        'service_token_roles': ','.join(roles),
        'service_token_roles_required': True,
        # Without it no request with access rules is let in.
        'service_type': _TYPES[user],
    }


def service_user(cloud: model.Cloud, user: str) -> dict[str, object]:
    """The section [service_user]."""
    return {'send_service_user_token': True, **credentials(cloud, user)}


def lock_path(site: state.Site, cloud: model.Cloud) -> dict[str, object]:
    """The section [oslo_concurrency]."""
    return {'lock_path': site.var(cloud, 'lock')}


def privsep(site: state.Site, config: pathlib.Path,
            *names: str) -> dict[str, dict[str, object]]:
    """Sections that let root work without sudo."""
    helper = f'{site.tool("privsep-helper")} --config-file {config}'
    return {name: {'helper_command': helper} for name in names}


def memcached(cloud: model.Cloud) -> str:
    """Return the address of the memcached of a cloud."""
    return f'127.0.0.1:{topology.port(cloud, "memcached")}'


def mixmatch(cloud: model.Cloud,
             patient: bool = False) -> dict[str, dict[str, object]]:
    """The sections that name the service providers of a home cloud.

    Its services share their logins there in the cloud's memcached.

    :param patient: to wait for them as long as by default
    """
    sections: dict[str, dict[str, object]] = {
        'cache': {'enabled': True, 'backend': 'dogpile.cache.memcached',
                  'memcache_servers': memcached(cloud)},
        'mixmatch': {
            'service_providers': ','.join(cloud.service_providers),
            'login_cache_secret': cloud.password('login-cache'),
            # What dies here is soon back.
            'retry_pause_max': 5}}
    for name in cloud.service_providers:
        trust = next(trust for trust in topology.by_name(name).trusts
                     if trust.idp == cloud.name)
        sections[f'service_provider:{name}'] = {
            'project_name': '{project_name}',
            'project_domain_name': 'Default',
            'service_project_name': trust.service_project,
            'service_project_domain_name': 'Default',
            'region_name': name,
            # Both clouds are on one host.
            'endpoint_hosts': ','.join(
                f'127.0.0.1:{topology.port(topology.by_name(name), service)}'
                for service in ('cinder', 'glance')),
            'rbd_secret_uuid': topology.by_name(name).secret_uuid,
        }
        if not patient:
            # What is on the same machine, and exports no more than RBD, is
            # not waited for as long as by default.
            sections[f'service_provider:{name}'].update(
                connect_timeout=2, read_timeout=10)
    return sections


def installed(site: state.Site, name: str) -> pathlib.Path:
    """A file that the packages bring, such as etc/nova/api-paste.ini."""
    return site.venv / 'etc' / name


def uwsgi(site: state.Site, listen: tuple[str, ...], module: str,
          argv: str = '', processes: int = 1, threads: int = 4,
          forked: bool = False) -> tuple[str, ...]:
    """The command of an API.

    :param forked: load the application once, and make processes of that, which
        saves half of the time of a start; else each of them loads it. It must
        have no thread and no connection by then.
    """
    return (
        site.tool('uwsgi'), *listen, '--module', f'{module}:application',
        '--processes', str(processes), '--threads', str(threads),
        '--enable-threads', '--master', '--die-on-term',
        *(() if forked else ('--lazy-apps',)), '--need-app',
        '--buffer-size', '65535', '--http-chunked-input', '--thunder-lock',
        # The image of a server comes in chunks, and not before it is made.
        '--chunked-input-limit', str(16 << 20),
        '--chunked-input-timeout', '60',
        '--worker-reload-mercy', '1', '--add-header', 'Connection: close',
        '--disable-logging', '-H', str(site.venv),
        *(('--pyargv', argv) if argv else ()))


def api(site: state.Site, cloud: model.Cloud, name: str, command: tuple,
        env: dict[str, str], after: tuple[str, ...],
        process: str = '', path: str = '/') -> model.Service:
    """An API on its port of the cloud."""
    port = topology.port(cloud, name)
    return model.Service(
        cloud=cloud.name, name=process or name, command=command, env=env,
        ports=(port,), health=health.Http(port, path), after=after,
        config=site.etc(cloud, name))


def listen(cloud: model.Cloud, name: str) -> tuple[str, ...]:
    """uwsgi's options for HTTP on a component's port."""
    return ('--http-socket', f'127.0.0.1:{topology.port(cloud, name)}')
