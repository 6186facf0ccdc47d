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

"""Start of threads, and detection of processes that run none."""

from collections.abc import Callable
import functools
import threading
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_FALSE = ('false', 'off', 'no', 'n', '0')


def start(target: Callable[..., None], *args: Any,
          name: str | None = None) -> threading.Thread | None:
    """Start a daemon thread.

    :returns: None if no thread can be started: the caller then has to end
        whatever others wait for
    """
    thread = threading.Thread(target=target, args=args, name=name,
                              daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as exc:
        LOG.error('No thread can be started: %s. Check the limits of this '
                  'service on tasks and memory.', exc)
        return None
    return thread


@functools.cache
def problem() -> str:
    """Return why threads do not run in this process; empty if they do.

    uWSGI starts Python without them unless it is told otherwise: they can
    be made there, and then stand still, without an error.
    """
    try:
        # A module that exists only in a process of uWSGI.
        import uwsgi
    except ImportError:
        return ''
    options = {_text(name): _text(value)
               for name, value in getattr(uwsgi, 'opt', {}).items()}
    if options.get('enable-threads', 'off').lower() not in _FALSE:
        return ''
    # uWSGI turns them on itself if it has several for requests.
    if _number(options.get('threads')) > 1:
        return ''
    return ('uWSGI runs no threads in this process: set enable-threads = true '
            'in its configuration. Until then all requests to several '
            'service providers fail')


def check() -> bool:
    """Log why threads do not run in this process.

    :returns: True if there is a problem
    """
    if problem():
        LOG.error(problem())
    return bool(problem())


def _text(value: Any) -> str:
    return value.decode(errors='replace') if isinstance(value, bytes) \
        else str(value)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
