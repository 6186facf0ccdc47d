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

"""Request of a user to a service of home."""

import functools
from typing import Any

import webob

from mixmatch import holdings
from mixmatch import requester as mixmatch_requester


class UserRequest:
    """Base of what a package reads of a request.

    :ivar http: as home's service gets it
    :ivar context: the service's own context of the user
    """

    http: webob.Request
    context: Any

    @functools.cached_property
    def requester(self) -> mixmatch_requester.Requester:
        """The user, as the core knows it."""
        return mixmatch_requester.Requester.from_context(
            self.context, self.http.environ.get('keystone.token_info'))

    @property
    def project_id(self) -> str:
        """The project of the user at home."""
        return self.requester.project_id

    def owner(self, kind: str) -> holdings.Owner:
        """Return the owner of the resources that this request is about.

        :param kind: their collection
        """
        return holdings.Owner(kind, self.project_id,
                              self.context.user_id or '')

    @property
    def global_request_id(self) -> str:
        """Id that joins the logs of both clouds."""
        return self.context.global_request_id or self.context.request_id
