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

"""Contract of mixmatch's API: all names that clients and peers can see.

Attributes, queries, headers and fields of bodies. They never change; a new
meaning gets a new name. ``os-mixmatch:holder``, which administrators of a
service provider see, is in that cloud's half of mixmatch_cinder, which does
not import this.
"""

#: Attribute of a volume, a snapshot or an image: the service provider that it
#: lives at.
#: Query: the service provider to ask.
ATTRIBUTE = 'os-mixmatch:service_provider'

#: Attributes of a volume or a snapshot of a service provider: its project and
#: its user there, where those of home are shown in their places. Of an image:
#: the project by which the user sees it there.
PROJECT_ATTRIBUTE = 'os-mixmatch:project_id'
USER_ATTRIBUTE = 'os-mixmatch:user_id'

#: Header with the same meaning as the query, for clients that cannot set one.
HEADER = 'OpenStack-Mixmatch-Service-Provider'

#: Property in a request to create an image: the service provider to create it
#: at. It is not ATTRIBUTE: Nova and Cinder copy that from the image of a
#: server or a volume to the images that they make of these, which are home's.
CREATE_AT = 'os-mixmatch:create_at'

#: Values of query and header besides names: all clouds, only this cloud.
ALL, NONE = 'all', 'none'

#: Request header of a service of home: the answer to an id that home has, or
#: had, in any project is 409, and to another one 404. Nobody is asked.
KNOWN_HEADER = 'OpenStack-Mixmatch-Known-Here'

#: Request header of home's Nova to home's Glance: "NAME/PROJECT", the service
#: provider of an image, and the project there by which its user sees it.
IMAGE_HEADER = 'OpenStack-Mixmatch-Image-At'

#: Query in the link to the next page: the position in the merged list.
POSITION = 'os-mixmatch:position'

#: Response header: the service providers that a partial result lacks.
MISSING_HEADER = 'OpenStack-Mixmatch-Missing'

#: Field of Nova's request bodies: the service provider of a volume.
NOVA_FIELD = 'serviceProvider'
