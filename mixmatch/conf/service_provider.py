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

"""Group [service_provider:NAME]: options of one service provider."""

from collections.abc import Sequence
import copy
from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg
from oslo_config import types

# NOTE: oslo.config searches for it.
_HOST = r'\A(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?\Z'

#: Cinder's own default.
DEFAULT_ZONE = 'nova'

OPTS = [
    cfg.StrOpt(
        'project_name',
        help="""
The project at the service provider that a user's project here maps to.

A template: ``{project_name}`` and ``{project_id}`` stand for the user's
project in this cloud. Leave it unset where the service provider's mapping
gives every project of yours exactly one project there: it is then asked for,
by one request more for each login. It is an error if there are several.
"""),
    cfg.StrOpt(
        'project_domain_name',
        default='Default',
        help="""
The domain of ``project_name`` at the service provider.
"""),
    cfg.StrOpt(
        'service_project_name',
        help="""
The project at the service provider that this service's own user maps to.

The service token that goes with each request of a user is scoped to it. The
role that the service has there must be in ``service_token_roles`` of the
service provider's services. Ask the service provider's operator for it.
"""),
    cfg.StrOpt(
        'service_project_domain_name',
        default='Default',
        help="""
The domain of ``service_project_name`` at the service provider.
"""),
    cfg.ListOpt(
        'endpoint_hosts',
        default=[],
        item_type=types.String(regex=_HOST, ignore_case=True),
        help="""
Further hosts that the service provider's catalog may lead to.

A list of ``host`` or ``host:port``. Without it all requests go to the host of
the service provider's ``auth_url`` and ``sp_url`` in this cloud's Keystone,
with TLS if that has it. A catalog that leads elsewhere is refused: it would
send the services of this cloud wherever they can reach. Where that host is
this cloud's as well (the one of its own Keystone, or a loopback address),
``host:port`` has to be listed. ``endpoint_override`` needs no entry.
"""),
    cfg.StrOpt(
        'availability_zone',
        default=DEFAULT_ZONE,
        help="""
The availability zone in which the service provider makes what names none.

That is its ``default_availability_zone``, or else its
``storage_availability_zone``; ask its operator. What lives in that zone is
shown in this cloud with the name of the service provider as its zone, ``bu``,
and what lives in another one with ``bu:ZONE``. Where the two clouds differ in
this, what a user has made in ``bu`` is shown in ``bu:ZONE``, and tools such as
Terraform take it for another resource. Any value but ``nova`` is also asked
for when a user names only ``bu``.
"""),
    cfg.StrOpt(
        'proxy_url',
        regex=r'\Ahttps?://\S+\Z',
        help="""
The HTTP proxy on the way to the service provider, as ``http://host:port``.

Environment variables such as ``https_proxy`` are not read, nor is a
``.netrc``. Home's own Keystone is never asked by way of it.
"""),
    cfg.FloatOpt(
        'connect_timeout',
        default=5,
        min=0.1,
        help="""
How many seconds to wait for a connection to the service provider.
"""),
    cfg.FloatOpt(
        'read_timeout',
        default=30,
        min=0.1,
        help="""
How many seconds to wait for the service provider to answer a request.

The services of this cloud wait no longer than this for each request, so it
bounds the cost of a slow service provider; one that hangs is detected
earlier. Raise it
only if the service provider's storage needs longer to export a volume.
"""),
]

# NOTE: of keystoneauth's options of a session and an adapter those that an
# operator has a use for; mixmatch has timeouts of its own (see above).
_SESSION_OPTS = ('cafile', 'certfile', 'keyfile', 'insecure')
_ADAPTER_OPTS = ('service_type', 'service_name', 'valid_interfaces',
                 'region_name', 'endpoint_override', 'connect_retries')


def group(name: str) -> str:
    """Return the name of the section of a service provider."""
    return f'service_provider:{name}'


def _keystoneauth_opts() -> list[Any]:
    opts = [copy.copy(opt) for opt in (
        *loading.get_session_conf_options(),
        *loading.get_adapter_conf_options(include_deprecated=False))
        if opt.dest in _SESSION_OPTS + _ADAPTER_OPTS]
    defaults = {'service_type': 'block-storage',
                'valid_interfaces': ['public']}
    for opt in opts:
        opt.default = defaults.get(opt.dest, opt.default)
    return opts


def register_opts(conf: cfg.ConfigOpts, name: str,
                  more: Sequence[cfg.Opt] = ()) -> None:
    """Register the section of a service provider.

    :param more: options of the service that this process is
    """
    conf.register_opts([*OPTS, *more], group=group(name))
    conf.register_opts(_keystoneauth_opts(), group=group(name))


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(group('NAME'), [*OPTS, *_keystoneauth_opts()])]
