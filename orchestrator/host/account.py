"""The account that we run as."""

import os
import pwd


def home() -> str:
    """Return the home folder of our user as ssh finds it: that of the account, whatever ``HOME`` says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container's user without an entry
        return os.path.expanduser("~")
