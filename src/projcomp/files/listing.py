"""What a folder holds, as one check sum: equal where nothing in it was added, removed or edited."""

import hashlib
import os


def listing(path: str | os.PathLike[str]) -> str | None:
    """Of names, sizes and times of all files in a folder and its folders; None of anything else."""
    if not os.path.isdir(path):
        return None
    total = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            place = os.path.join(folder, name)
            found = os.stat(place)
            told = f"{os.path.relpath(place, path)}\0{found.st_size}\0{found.st_mtime_ns}\n"
            total.update(os.fsencode(told))
    return total.hexdigest()[:16]
