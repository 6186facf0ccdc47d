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

"""Errors of the Glance of a service provider, as home's Glance shows them."""

import re

import webob.exc

from mixmatch import text
from mixmatch_glance import remote


def from_reply(name: str, reply: remote.Reply) -> webob.exc.HTTPException:
    """Return the error of a service provider, with its name and message.

    :param name: of the service provider
    :param reply: with a status of 400 or more
    """
    kind = webob.exc.status_map.get(reply.status, webob.exc.HTTPBadRequest)
    explanation = f'Service provider {name}: {said(reply)}'
    if kind is webob.exc.HTTPUnsupportedMediaType:
        # NOTE: this one shows only a detail.
        return kind(detail=explanation)
    return kind(explanation=explanation)


def said(reply: remote.Reply) -> str:
    """Return the message in an error of a service provider."""
    message = reply.body.get('message')
    # NOTE: WebOb writes for pages, and the core has escaped line breaks.
    found = (text.clean(' '.join(re.sub(r'<[^>]*>|\\n', ' ', message).split()))
             if isinstance(message, str) else '')
    return found or f'HTTP {reply.status}'
