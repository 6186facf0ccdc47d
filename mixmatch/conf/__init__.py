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

"""Options of home's services: one module for each group."""

from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from mixmatch.conf import home
from mixmatch.conf import service_provider


def register_opts(conf: cfg.ConfigOpts, more: Sequence[cfg.Opt] = ()) -> None:
    """Register the group of home and one of each service provider.

    :param more: options of each service provider that only the service of
        this process reads
    """
    home.register_opts(conf)
    for name in conf.mixmatch.service_providers:
        service_provider.register_opts(conf, name, more)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [*home.list_opts(), *service_provider.list_opts()]


def tls(section: Any) -> dict[str, Any]:
    """Return the TLS settings of a section.

    :param section: with keystoneauth's options of a session
    :returns: ``verify`` and ``cert``, as requests wants them
    """
    return {'verify': not section.insecure and (section.cafile or True),
            'cert': ((section.certfile, section.keyfile)
                     if section.certfile else None)}
