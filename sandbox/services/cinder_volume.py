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

"""Run cinder-volume, whose parent process looks after its child less often.

oslo.service's ProcessLauncher looks a hundred times a second whether a child
has ended (its parameter wait_interval; cinder-volume sets no other). For the
four of two pairs of clouds that is a tenth of a processor, while nothing
happens.
"""

import sys

# NOTE: the first import, since it has eventlet patch the others.
from cinder.cmd import volume
from cinder import service
from oslo_config import cfg

#: In seconds.
WAIT_INTERVAL = 0.5

_Launcher = service.service.ProcessLauncher


def _launcher() -> object:
    return _Launcher(cfg.CONF, wait_interval=WAIT_INTERVAL,
                     restart_method='mutate')


if __name__ == '__main__':
    service.process_launcher = _launcher
    sys.exit(volume.main())
