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

"""The plugin of home's Nova: volumes of other clouds for its servers.

It runs in each process of Nova of this cloud: nova-api, nova-conductor,
nova-compute. It imports Nova, cinderclient and the core, ``mixmatch``; no
other package of mixmatch. ``loader`` imports nothing of Nova until nova.conf
has been read; ``cmd.status``, with ``conf`` and ``connection``, imports
nothing of Nova at all.

``state`` keeps what a process knows of one request, and ``errors`` translates
each error. Imports between modules never run back up; architecture.rst has
the order.
"""
