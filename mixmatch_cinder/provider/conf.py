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

"""Options of ``[mixmatch]`` in cinder.conf of a service provider."""

from typing import Any

from oslo_config import cfg

GROUP = 'mixmatch'

OPTS = [
    cfg.ListOpt(
        'home_roles',
        default=['k2k_nova'],
        help="""
The roles that tell the Nova of another cloud from a service of this one.

A service token with one of them is that of another cloud, and which one the
domain of its user says: each identity provider has a domain of its own. Such
a service token counts for what that Nova has attached itself, and for nothing
else. Change it where your rules (``mixmatch_keystone``) give the Nova of other
clouds another role. Each has to be in ``[keystone_authtoken]
service_token_roles`` as well; never name a role here that a service of this
cloud has.
"""),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(GROUP, OPTS)]
