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

"""Lines that several threads show."""

import threading

_lock = threading.Lock()


def say(*texts):
    """Print lines, and no other thread between them."""
    with _lock:
        print(*texts, sep='\n', flush=True)


def heading(text):
    """Return a line that begins a part of the output."""
    return f'\n===== {text} ' + '=' * max(3, 71 - len(text))
