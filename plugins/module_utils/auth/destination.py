# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a task asks for, on the host that it runs on."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import typing as t
from contextlib import suppress

from .errors import ApiError, configuration_error

DEFAULT_MODE = 0o600
# What a file that holds a token is rarely meant to have: its group and others may write or execute it.
_UNUSUAL = 0o033
# Bytes that a temporary file has from the beginning; no token is longer.
RESERVED = 4096


class Destination:
    """A file to be written at once and whole, or not at all.

    An existing file keeps its owner and group, and its mode unless one is given; a symbolic link stays, and what it points to is replaced.

    :param path: where the file belongs.
    :param mode: its permissions, such as `"0640"`, or a number as YAML reads an octal one.
    """

    def __init__(self, path: str, mode: t.Any = None) -> None:
        if not path.strip():
            raise configuration_error("dest is empty", "give the path of a file")
        if path.endswith("/"):
            raise configuration_error(f"dest {path} is a directory", "give the path of a file")
        self.path = path
        self._target = os.path.realpath(path)
        self._mode = parse_mode(mode)
        self._temporary = ""

    def prepare(self) -> None:
        """Create the temporary file beside the target. Raises a configuration error if the file cannot be written."""
        directory = os.path.dirname(self._target)
        try:
            if os.path.isdir(self._target):
                raise IsADirectoryError(21, "it is a directory")
            if os.path.exists(self._target) and not os.path.isfile(self._target):
                raise OSError(22, "it is not a regular file")
            descriptor, self._temporary = tempfile.mkstemp(prefix=".apiauth-", dir=directory)
            with open(descriptor, "wb") as file:
                # A disk that is full is noticed now: what is written later takes the place of these bytes.
                file.write(bytes(RESERVED))
        except OSError as failure:
            self.discard()
            reason = failure.strerror or "unknown reason"
            raise configuration_error(f"dest {self.path} cannot be written ({reason})", "create its directory, or choose another place") from None

    def differs(self, content: bytes) -> bool:
        """Return whether writing would change the file, or its mode if one is given."""
        try:
            with open(self._target, "rb") as file:
                present = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                return file.read() != content or self._mode not in (None, present)
        except OSError:
            return True

    def write(self, content: bytes) -> str:
        """Write the file; return its path. Raises a configuration error if that fails."""
        if not self._temporary:
            self.prepare()
        try:
            with open(self._temporary, "r+b") as file:
                self._take_over_attributes(file.fileno())
                file.write(content)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            os.replace(self._temporary, self._target)
        except OSError as failure:
            self.discard()
            raise ApiError("configuration", f"dest {self.path} cannot be written ({failure.strerror})", "choose another place", changed=True) from None
        self._temporary = ""
        return self.path

    def discard(self) -> None:
        """Remove the temporary file, if there is one."""
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = ""

    def _take_over_attributes(self, descriptor: int) -> None:
        mode = DEFAULT_MODE if self._mode is None else self._mode
        try:
            present = os.stat(self._target)
        except OSError:
            os.fchmod(descriptor, mode)
            return
        # Whatever the mode was: others have no business with it.
        kept = 0o770
        try:
            os.fchown(descriptor, present.st_uid, present.st_gid)
        except OSError:
            # What the old group was allowed is not for the group of whoever runs the task.
            kept = 0o700
        os.fchmod(descriptor, mode if self._mode is not None else stat.S_IMODE(present.st_mode) & kept)


def parse_mode(mode: t.Any) -> int | None:
    """Return permissions as a number; `None` if none are given. Raises a configuration error."""
    if mode is None or mode == "":
        return None
    if isinstance(mode, int) and not isinstance(mode, bool):
        number = mode
    elif re.fullmatch("0?o?[0-7]{3,4}", str(mode)):
        number = int(str(mode).replace("o", ""), 8)
    else:
        number = -1
    # Without quotes, YAML reads 640 as a decimal number, which is 0o1200, and 400 as 0o620.
    if not 0 <= number <= 0o777:
        raise configuration_error(f"mode must be an octal number such as '0600', and not {mode!r}", "write it in quotes")
    if isinstance(mode, int) and re.fullmatch("[0-7]+", str(mode)) and number & _UNUSUAL & ~int(str(mode), 8):
        problem = f"mode {mode} is not in quotes, so it may mean 0{mode} or, as YAML reads numbers, 0{number:03o}"
        raise configuration_error(problem, f'quote the one that you mean, such as "0{mode}"')
    return number
