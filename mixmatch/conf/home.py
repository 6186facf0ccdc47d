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

"""[mixmatch]: what holds for this cloud, whatever the service provider."""

from typing import Any

from keystoneauth1 import loading
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
]


def _auth_opts() -> list[Any]:
    # NOTE: these name the service's own identity at home, which is the one
    # that [service_user] already holds in every deployment since
    # CVE-2023-2088.
    opts = loading.get_auth_common_conf_options()
    return [opt for opt in opts if opt.dest in ('auth_section', 'auth_type')]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
    loading.register_auth_conf_options(conf, GROUP)
    conf.set_default('auth_section', 'service_user', group=GROUP)
    # NOTE: again, for the section that is now named: not every service
    # registers the options of [service_user] itself.
    loading.register_auth_conf_options(conf, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, [*OPTS, *_auth_opts()])]
