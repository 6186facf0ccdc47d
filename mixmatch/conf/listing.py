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

"""Options of ``[mixmatch]`` of the services of home whose lists are merged.

Each of them registers and lists them with its own.
"""

from oslo_config import cfg

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
or image in a list for one of this cloud.
"""),
    cfg.StrOpt(
        'incomplete_lists',
        default='unfiltered',
        choices=[
            ('unfiltered', 'Lists without a filter may be incomplete.'),
            ('always', 'Any list may be incomplete.'),
            ('never', 'No list may be incomplete.'),
        ],
        help="""
Which lists and sums may lack the part of a service provider that gives none.

Such a list has the status 200, and its header ``OpenStack-Mixmatch-Missing``
names the service provider. Few clients look at it: one that looks for a volume
or an image by its name, and makes it if the list is empty, would make a second
one. So by default a list with a filter is an error (503) while a service
provider that may have something of the project is missing. There are two
exceptions. Where the project had nothing there when it was last asked, and has
made nothing there since, the list is given all the same; that is known only
with a shared cache (see ``login_cache_secret``). And what this cloud itself
has is found by its name (a list whose only filter is ``name``), so that nobody
has to wait for another cloud to use it.

A request that selects only this cloud, or one service provider, needs no
other.
"""),
]
