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

"""Names that clients and services of other clouds see in mixmatch's API."""

#: In a row of a volume or a snapshot: the service provider that it lives at.
#: In a query: the one to ask.
MARK = 'os-mixmatch:service_provider'

#: The same as a query, for requests whose query is not at hand.
HEADER = 'OpenStack-Mixmatch-Service-Provider'

#: Values of the query and of the header that name no service provider: all
#: clouds, and only the one that is asked.
ALL, NONE = 'all', 'none'
