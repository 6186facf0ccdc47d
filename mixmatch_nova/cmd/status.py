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

"""``mixmatch-status``, with the options that attachments need.

It also reads the configuration of home's Cinder, on hosts without Nova, so it
imports nothing of Nova.
"""

import sys

from mixmatch.cmd import status
from mixmatch import service_provider
from mixmatch_nova import conf
from mixmatch_nova import connection


def check_options(provider: service_provider.ServiceProvider) -> str:
    """Return a warning about options that are not set; empty if all are."""
    missing = connection.missing_options(provider.options)
    if not missing:
        return ''
    return ('not all of its volumes can be attached: '
            f'[service_provider:{provider.name}] does not set '
            + ', '.join(missing))


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    :returns: the exit code
    """
    return status.main(argv, conf.OPTS, check_options)


if __name__ == '__main__':
    sys.exit(main())
