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

"""One RabbitMQ for all clouds, with a virtual host and a user of each."""

import base64
import hashlib
import json

from sandbox import health
from sandbox import model
from sandbox import state
from sandbox import topology


def _password_hash(password: str) -> str:
    salt = hashlib.sha256(password.encode()).digest()[:4]
    digest = hashlib.sha256(salt + password.encode()).digest()
    return base64.b64encode(salt + digest).decode()


def definitions(site: state.Site) -> str:
    """Users and virtual hosts, read when RabbitMQ starts."""
    clouds = [cloud for cloud in site.clouds if cloud.service_users]
    return json.dumps({
        'vhosts': [{'name': cloud.name} for cloud in clouds],
        'users': [{
            'name': cloud.name, 'tags': '',
            'password_hash': _password_hash(cloud.password('rabbit')),
            'hashing_algorithm': 'rabbit_password_hashing_sha256',
        } for cloud in clouds],
        'permissions': [{
            'user': cloud.name, 'vhost': cloud.name,
            'configure': '.*', 'write': '.*', 'read': '.*',
        } for cloud in clouds],
    }, indent=1)


def render(site: state.Site, cloud: model.Cloud) -> None:
    """A small broker on loopback."""
    etc = site.etc(cloud, 'rabbitmq')
    site.write(etc / 'definitions.json', definitions(site))
    site.write(etc / 'rabbitmq.conf', f"""\
listeners.tcp.1 = 127.0.0.1:{topology.port(cloud, 'rabbitmq')}
load_definitions = {etc}/definitions.json
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
log.console = true
log.file = false
""")


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """The port mapper that would else outlive RabbitMQ, and RabbitMQ."""
    etc, var = site.etc(cloud, 'rabbitmq'), site.var(cloud, 'rabbitmq')
    port = topology.port(cloud, 'rabbitmq')
    nodes_port = topology.port(cloud, 'rabbitmq-nodes')
    mapper = topology.port(cloud, 'epmd')
    env = {
        'ERL_EPMD_PORT': str(mapper),
        'ERL_EPMD_ADDRESS': '127.0.0.1',
        'HOME': str(var),
        'RABBITMQ_NODENAME': f'mixmatch{port}@localhost',
        'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
        'RABBITMQ_DIST_PORT': str(nodes_port),
        'RABBITMQ_CONFIG_FILE': str(etc / 'rabbitmq'),
        'RABBITMQ_CONF_ENV_FILE': '/dev/null',
        'RABBITMQ_MNESIA_BASE': str(var / 'mnesia'),
        'RABBITMQ_LOG_BASE': str(var),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(var / 'enabled_plugins'),
        'RABBITMQ_PID_FILE': str(var / 'pid'),
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none '
            '-kernel inet_dist_use_interface {127,0,0,1}',
    }
    # NOTE: rabbitmq-server of /usr/sbin would change to another user.
    return [
        model.Service(
            'shared', 'epmd', ('epmd', '-address', '127.0.0.1', '-port',
                               str(mapper)),
            health.Port(mapper), ports=(mapper,)),
        model.Service(
            'shared', 'rabbitmq', ('/usr/lib/rabbitmq/bin/rabbitmq-server',),
            health.Port(port), env=env, ports=(port, nodes_port),
            after=('shared/epmd',), config=etc),
    ]
