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

"""Processes of home that run without mixmatch, as its Cinder meets them."""

import threading

import cachetools
from oslo_log import log as logging

from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request

LOG = logging.getLogger(__name__)

#: Seconds until a process is reported again.
PAUSE = 600


class Reports:
    """Reports each process to the operator, but not each of its requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reported: cachetools.TTLCache = cachetools.TTLCache(1000, PAUSE)

    def report(self, request: user_request.UserRequest,
               resource: routes.Resource, name: str) -> None:
        """Log a request that only a process without mixmatch sends.

        :param request: of a service
        :param resource: at a service provider
        :param name: of the service provider
        """
        process = (request.http.remote_addr,
                   repr((request.http.user_agent or '')[:100]))
        with self._lock:
            if process in self._reported:
                return
            self._reported[process] = True
        LOG.error(
            'A service of this cloud at %(address)s (user agent %(agent)s) '
            'runs without mixmatch: it sent %(method)s %(path)s for '
            '%(resource)s, which lives at service provider %(sp)s. The '
            'request was refused. Set "config_source = mixmatch" in nova.conf '
            'of each process of Nova there, and restart it.',
            {'address': process[0], 'agent': process[1],
             'method': request.http.method,
             'path': f'/{request.route.collection}', 'resource': resource,
             'sp': name})
