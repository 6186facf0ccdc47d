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

"""Counters and timings, sent to a statsd server."""

import re
import threading
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import netutils
import statsd

LOG = logging.getLogger(__name__)


class Metrics:
    """Counters and timings of each service provider.

    Named ``<prefix>.<service provider>.<what>``; see the documentation.

    :param conf: with ``[mixmatch] statsd_host``
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf.mixmatch
        self._lock = threading.Lock()
        self._client: statsd.StatsClient | None = None
        self._off = not self._conf.statsd_host
        self._failed = False

    def count(self, service_provider: str, what: str) -> None:
        self._send('incr', _name(service_provider, what))

    def time(self, service_provider: str, what: str, seconds: float) -> None:
        self._send('timing', _name(service_provider, what), seconds * 1000)

    def _send(self, method: str, *args: Any) -> None:
        # NOTE: whatever goes wrong here must not hurt the call that is
        # measured, or its caller.
        try:
            client = self._connected()
            if client:
                getattr(client, method)(*args)
        except Exception:
            if not self._failed:
                self._failed = True
                LOG.exception('Metrics could not be sent; logged only once')

    def _connected(self) -> statsd.StatsClient | None:
        if self._off or self._client:
            return self._client
        with self._lock:
            try:
                self._client = statsd.StatsClient(
                    self._conf.statsd_host, self._conf.statsd_port,
                    _plain(self._conf.statsd_prefix, '.'),
                    ipv6=netutils.is_valid_ipv6(self._conf.statsd_host))
            except (OSError, UnicodeError) as exc:
                LOG.error('No metrics are sent: statsd_host = %(host)s: '
                          '%(reason)s',
                          {'host': self._conf.statsd_host, 'reason': exc})
                self._off = True
        return self._client


def _name(service_provider: str, what: str) -> str:
    # NOTE: a dot in the name of a cloud would begin another level.
    return f'{_plain(service_provider)}.{_plain(what, ".")}'


def _plain(name: str, more: str = '') -> str:
    """Replace what statsd cannot send (it sends ASCII) or reads otherwise.

    :param more: what may stay besides letters, digits, "_" and "-"
    """
    return re.sub(f'[^A-Za-z0-9_{more}-]', '_', name)
