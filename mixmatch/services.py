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

"""Services of another cloud, as home's services use their APIs.

Data, in the words of errors, logs and metrics. The core imports no client of
any of them.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Service:
    """Service of another cloud.

    :param name: of its API, in errors, logs, metrics and states
    :param project: the OpenStack project, in errors
    :param major: the major version of the API
    :param service_type: in the catalog; None if the options of the service
        provider say where it is: service_type, service_name and
        endpoint_override, which are options of one service only
    :param from_root: requests begin at the root of the API, with the version
        in their path. Some catalogs have the version in the URL, others not.
    """

    name: str
    project: str
    major: int
    service_type: str | None
    from_root: bool = False


VOLUME = Service('volume', 'Cinder', 3, None)
IMAGE = Service('image', 'Glance', 2, 'image', from_root=True)

#: Types of services that a login keeps in its catalog, besides the one of the
#: option service_type. Home's services share logins, so that each has to keep
#: what any of them uses.
IN_LOGINS = ('image',)
