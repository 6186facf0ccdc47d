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

"""Group [mixmatch]: options for all service providers."""

from typing import Any

from keystoneauth1 import loading
from oslo_cache import core as cache
from oslo_config import cfg

GROUP = 'mixmatch'

OPTS = [
    cfg.ListOpt(
        'service_providers',
        default=[],
        help="""
The service providers (other clouds) whose resources this service may use.

Each name is the id of a service provider of this cloud's Keystone
(``openstack service provider create``) and has a section
``[service_provider:NAME]`` of its own. Add a cloud here when its operator
and yours have agreed; a cloud that is not named here is never contacted,
whatever a token says.
"""),
    cfg.IntOpt(
        'login_cache_size',
        default=1000,
        min=1,
        help="""
How many logins at service providers a process keeps.

One login of one user in one project at one service provider takes about
4 kB. Raise it where more users than this work at the same time.
"""),
    cfg.IntOpt(
        'login_cache_time',
        default=600,
        min=1,
        help="""
How many seconds a process keeps a login at a service provider.

This bounds how long a role that was withdrawn at home still works at the
service provider from here. A login is never kept longer than the token at
home that it was made from.
"""),
    cfg.StrOpt(
        'login_cache_secret',
        secret=True,
        help="""
Shares logins between all processes and services of this cloud.

Without it each process logs each user in by itself. With it, and with
``[cache] enabled``, they use one login, which is kept in that cache, encrypted
with a key made from this secret and from the token or password at home that
the login was made with. They then share as well where projects have nothing,
and where volumes live. Give all services that shall share the same random
string, and keep it as you keep their passwords.
"""),
    cfg.FloatOpt(
        'retry_pause',
        default=1,
        min=0.1,
        help="""
How many seconds a service provider is left alone after neither a request nor
a probe was answered.

Until then what needs it fails at once. The pause doubles each time that it
still does not answer, up to ``retry_pause_max``.
"""),
    cfg.FloatOpt(
        'retry_pause_max',
        default=60,
        min=0.1,
        help="""
How many seconds pass at most before a service provider that did not answer
is tried again.
"""),
    cfg.FloatOpt(
        'ask_timeout',
        default=10,
        min=0.1,
        help="""
How many seconds a question to several service providers takes at most.

Those that have not answered by then are missing in the result.
"""),
    cfg.IntOpt(
        'ask_threads',
        default=32,
        min=1,
        help="""
How many threads of a process ask service providers at the same time.

Each service provider has its own part of them, at least four, so that one that
is slow holds up no other. Raise it where many users ask at the same time.
"""),
    cfg.FloatOpt(
        'listing_refresh',
        default=60,
        min=0,
        help="""
For how many seconds a service provider where a project has nothing is left
out of that project's lists.

It is asked again in the background before that. All processes share what is
known, and what one of them makes there is in the next list of any. That needs
a shared cache (see ``login_cache_secret``); without it, or with 0, each list
asks all service providers.
"""),
    cfg.IntOpt(
        'location_cache_size',
        default=10_000,
        min=1,
        help="""
How many locations of volumes, snapshots or images a process remembers.

Where it is known at which service provider a volume of a project lives, only
that one is asked for it. Only Cinder and Glance look for such resources.
"""),
    cfg.IntOpt(
        'location_cache_time',
        default=3600,
        min=1,
        help="""
How many seconds it is remembered where a volume, snapshot or image lives.

It is never moved, so this only bounds the memory of what is not used. After
it has been deleted the answer "not found" needs that cloud only, for so long.
"""),
    cfg.StrOpt(
        'status_directory',
        default='$state_path/mixmatch-status',
        help="""
Where each process writes down which service providers do not answer.

``mixmatch-status`` reads it. Empty: nothing is written.
"""),
    cfg.HostAddressOpt(
        'statsd_host',
        help="""
The statsd server that is told number and duration of the calls to service
providers. Unset: none is told.
"""),
    cfg.PortOpt(
        'statsd_port',
        default=8125,
        help="""
The UDP port of ``statsd_host``.
"""),
    cfg.StrOpt(
        'statsd_prefix',
        default='mixmatch',
        help="""
What the names of all metrics begin with.
"""),
]


def _auth_opts() -> list[Any]:
    # NOTE: these name the service's own identity at home, which is the one
    # that [service_user] already holds in every deployment since
    # CVE-2023-2088.
    opts = loading.get_auth_common_conf_options()
    return [opt for opt in opts if opt.dest in ('auth_section', 'auth_type')]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
    cache.configure(conf)
    loading.register_auth_conf_options(conf, GROUP)
    conf.set_default('auth_section', 'service_user', group=GROUP)
    # NOTE: again, for the section that is now named: not every service
    # registers the options of [service_user] itself.
    loading.register_auth_conf_options(conf, GROUP)
    # How home's Keystone is trusted.
    loading.register_session_conf_options(conf, credentials(conf))


def credentials(conf: cfg.ConfigOpts) -> str:
    """Return the section with the home credentials of this service."""
    return conf.mixmatch.auth_section or GROUP


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, [*OPTS, *_auth_opts()])]
