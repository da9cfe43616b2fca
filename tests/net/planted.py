# SPDX-License-Identifier: GPL-2.0-or-later
"""A tree as it is installed, where programs that tests play stand in the places of the daemon's."""

import shutil

from lab import TOP

BUILT = TOP / ".output"


def plant(tree, played):
    """played: the script of tests/net for each child, by the child's name. Returns the folder with
    the children."""
    (tree / "sbin").mkdir()
    for program in ("sallyport", "sallyportd"):
        shutil.copy(BUILT / "sbin" / program, tree / "sbin" / program)
    (tree / "share").symlink_to(BUILT / "share")
    children = tree / "libexec/sallyport"
    children.mkdir(parents=True)
    for real in (BUILT / "libexec/sallyport").iterdir():
        name = real.name.removeprefix("sallyport-")
        if name in played:
            shutil.copy(TOP / "tests/net" / played[name], children / real.name)
        else:
            (children / real.name).symlink_to(real)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    return children


def real_path(name):
    """The program itself."""
    return BUILT / "libexec/sallyport" / f"sallyport-{name}"
