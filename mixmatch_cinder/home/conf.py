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

"""Options of ``[mixmatch]`` that only home's cinder-api reads."""

from typing import Any

from oslo_config import cfg

GROUP = 'mixmatch'

OPTS = [
    cfg.BoolOpt(
        'merge_listings',
        default=True,
        help="""
Show what a project has at service providers in the lists of this cloud.

A request can choose otherwise, by the query
``os-mixmatch:service_provider`` or the header
``OpenStack-Mixmatch-Service-Provider``: ``all``, ``none`` (this cloud only) or
the name of one service provider. Turn it off where scripts take each volume
in a list for one of this cloud.
"""),
    cfg.IntOpt(
        'location_cache_size',
        default=10_000,
        min=1,
        help="""
How many locations of volumes and snapshots a process remembers.

Where it is known at which service provider a volume of a project lives, only
that one is asked for it.
"""),
    cfg.IntOpt(
        'location_cache_time',
        default=3600,
        min=1,
        help="""
How many seconds a process remembers where a volume or snapshot lives.

It is never moved, so this only bounds the memory of what is not used.
"""),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(GROUP, OPTS)]
